from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.calls import RelayRequest, read_request
from relay.core.endpoints import ENDPOINTS
from relay.errors import InvalidRequest
from relay.model import Target

BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
CHAT = "/v1/chat/completions"
STREAMING = ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"]
PLAIN = ["/v1/messages/count_tokens", "/v1/embeddings", "/v1/moderations"]
TARGET = Target("up", "upstream-model")


def asked(fields: dict[str, Any], path: str = CHAT) -> RelayRequest:
    raw = orjson.dumps({"model": "m", **fields})
    return read_request(BY_PATH[path], raw, headers=[], request_id="req_1")


def sent(fields: dict[str, Any], path: str = CHAT) -> Any:
    return orjson.loads(asked(fields, path).body_for(TARGET))


def refusal(raw: bytes, path: str = CHAT) -> str | None:
    """The field that is to blame."""
    with pytest.raises(InvalidRequest) as caught:
        read_request(BY_PATH[path], raw, headers=[], request_id="req_1")
    return caught.value.facts.param


def test_a_request_is_read_with_all_that_came_with_it() -> None:
    request = read_request(
        BY_PATH[CHAT],
        b'{"model": "m", "stream": true}',
        headers=[("A", "1")],
        connection="close",
        query="x=%2F",
        request_id="req_1",
    )
    assert (request.endpoint, request.body) == (BY_PATH[CHAT], {"model": "m", "stream": True})
    assert (request.model, request.is_stream, request.headers) == ("m", True, [("A", "1")])
    assert (request.connection, request.query, request.request_id) == ("close", "x=%2F", "req_1")


@pytest.mark.parametrize("raw", [b"", b"[]", b'"m"', b"{", b'{"model": "m"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    assert refusal(raw) is None


@pytest.mark.parametrize("model", ["", "  ", None, 5, ["m"], {"m": 1}, True])
def test_a_model_must_be_a_name(model: object) -> None:
    assert refusal(orjson.dumps({"model": model})) == "model"


def test_a_model_must_be_there() -> None:
    assert refusal(b"{}") == "model"


@pytest.mark.parametrize("path", STREAMING)
@pytest.mark.parametrize(("stream", "expected"), [(True, True), (False, False), (None, False)])
def test_a_stream_is_what_the_client_asks_for(path: str, stream: bool | None, expected: bool) -> None:
    assert asked({"stream": stream}, path).is_stream is expected


@pytest.mark.parametrize("path", STREAMING)
@pytest.mark.parametrize("stream", ["true", 1, [], {}])
def test_stream_is_true_or_false(path: str, stream: object) -> None:
    assert refusal(orjson.dumps({"model": "m", "stream": stream}), path) == "stream"


@pytest.mark.parametrize("path", PLAIN)
@pytest.mark.parametrize("stream", [True, "anything"])
def test_where_nothing_can_be_streamed_the_field_means_nothing(path: str, stream: object) -> None:
    assert asked({"stream": stream}, path).is_stream is False


@pytest.mark.parametrize("options", ["include_usage", 1, True, [], ["include_usage"]])
def test_stream_options_are_an_object(options: object) -> None:
    assert refusal(orjson.dumps({"model": "m", "stream": True, "stream_options": options})) == "stream_options"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_elsewhere_stream_options_are_the_providers_business(path: str) -> None:
    assert sent({"stream": True, "stream_options": "any"}, path)["stream_options"] == "any"


@pytest.mark.parametrize(
    ("path", "fields", "hides"),
    [
        (CHAT, {"stream": True}, True),
        ("/v1/completions", {"stream": True}, True),
        (CHAT, {"stream": True, "stream_options": None}, True),
        (CHAT, {"stream": True, "stream_options": {}}, True),
        (CHAT, {"stream": True, "stream_options": {"include_usage": False}}, True),
        (CHAT, {"stream": True, "stream_options": {"include_usage": True}}, False),
        (CHAT, {"stream": False}, False),
        (CHAT, {}, False),
        ("/v1/responses", {"stream": True}, False),
        ("/v1/messages", {"stream": True}, False),
    ],
)
def test_usage_is_hidden_where_the_relay_and_not_the_client_asked_for_it(
    path: str, fields: dict[str, Any], hides: bool
) -> None:
    assert asked(fields, path).hides_usage is hides


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"stream": True}, {"include_usage": True}),
        ({"stream": True, "stream_options": None}, {"include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": False}}, {"include_usage": True}),
        (
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"include_obfuscation": False, "include_usage": True},
        ),
    ],
)
def test_a_stream_is_always_asked_for_its_usage_and_keeps_its_other_options(
    fields: dict[str, Any], options: dict[str, Any]
) -> None:
    assert sent(fields)["stream_options"] == options


@pytest.mark.parametrize(("path", "fields"), [(CHAT, {}), ("/v1/responses", {"stream": True}), ("/v1/embeddings", {})])
def test_where_there_is_no_usage_option_none_is_added(path: str, fields: dict[str, Any]) -> None:
    assert "stream_options" not in sent(fields, path)


def test_the_targets_model_is_sent_and_every_other_field_stays_in_its_place() -> None:
    raw = b'{"z":1,"model":"m","unknown":{"b":[1.5,null,"\xc3\xa9"],"a":{}},"messages":[],"n":2}'
    request = read_request(BY_PATH[CHAT], raw, headers=[], request_id="req_1")
    assert request.body_for(TARGET) == raw.replace(b'"m"', b'"upstream-model"')


def test_what_the_client_sent_is_never_changed() -> None:
    request = asked({"stream": True, "stream_options": {"a": 1}})
    request.body_for(TARGET)
    assert request.body == {"model": "m", "stream": True, "stream_options": {"a": 1}}


@pytest.mark.parametrize(
    ("fields", "choices"),
    [
        ({}, 1),
        ({"n": None}, 1),
        ({"n": 1}, 1),
        ({"n": 3}, 3),
        ({"n": 0}, 1),
        ({"n": -2}, 1),
        ({"n": "3"}, 1),
        ({"n": 2.0}, 1),
        ({"prompt": "text"}, 1),
        ({"prompt": []}, 1),
        ({"prompt": ["one", "two"]}, 2),
        ({"prompt": ["one", "two"], "n": 3}, 6),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": {"a": 1}}, 1),
    ],
)
def test_choices_are_what_was_asked_for_of_each_prompt(fields: dict[str, Any], choices: int) -> None:
    assert asked(fields).choices == choices


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(fields=st.dictionaries(st.text().filter(lambda name: name not in ("model", "stream", "stream_options")), JSON))
def test_no_other_field_is_touched_whatever_it_is(fields: dict[str, Any]) -> None:
    assert sent(fields) == {**fields, "model": "upstream-model"}


@given(fields=st.fixed_dictionaries({"n": JSON, "prompt": JSON}))
def test_any_body_has_at_least_one_choice(fields: dict[str, Any]) -> None:
    assert asked(fields).choices >= 1
