from __future__ import annotations

import pytest

from relay.core.endpoints import ENDPOINTS, Endpoint
from relay.model import Dialect

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES


def test_each_path_stands_in_the_table_once() -> None:
    paths = [endpoint.path for endpoint in ENDPOINTS]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_a_provider_is_called_on_the_clients_path_without_its_version(endpoint: Endpoint) -> None:
    assert endpoint.path == f"/v1{endpoint.upstream_path}"


@pytest.mark.parametrize(
    ("path", "dialect", "may_stream", "has_usage_option"),
    [
        ("/v1/chat/completions", CHAT, True, True),
        ("/v1/completions", CHAT, True, True),
        ("/v1/responses", RESPONSES, True, False),
        ("/v1/messages", MESSAGES, True, False),
        ("/v1/messages/count_tokens", MESSAGES, False, False),
        ("/v1/embeddings", CHAT, False, False),
        ("/v1/moderations", CHAT, False, False),
    ],
)
def test_each_endpoint_has_its_dialect_and_its_ways_to_answer(
    path: str, dialect: Dialect, may_stream: bool, has_usage_option: bool
) -> None:
    (endpoint,) = [one for one in ENDPOINTS if one.path == path]
    assert (endpoint.dialect, endpoint.may_stream, endpoint.has_usage_option) == (dialect, may_stream, has_usage_option)


def test_where_something_is_generated_it_can_be_streamed_and_all_but_completions_have_a_conversation() -> None:
    assert [endpoint.path for endpoint in ENDPOINTS if endpoint.generates] == [
        endpoint.path for endpoint in ENDPOINTS if endpoint.may_stream
    ]
    conversations = {endpoint.path for endpoint in ENDPOINTS if endpoint.has_conversation}
    assert conversations == {"/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"}
