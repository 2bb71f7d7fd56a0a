"""Forms of paths: what is not in the table opens nothing and reaches no upstream, however it is spelled."""

from __future__ import annotations

import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, provider, raw_exchange
from tests.support.scripted import answers

BODY = b'{"model":"m","messages":[]}'
FORMS = [
    "//v1/chat/completions", "/v1//chat/completions", "/v1/chat//completions", "/v1/chat/completions/",
    "/v1/chat/completions//", "/./v1/chat/completions", "/v1/./chat/completions", "/v1/../v1/chat/completions",
    "/health/../v1/chat/completions", "/health/..%2fv1/chat/completions", "/health/%2e%2e/v1/chat/completions",
    "/v1/models/../chat/completions", "/v1/models/%2e%2e/chat/completions", "/v1/models/..%2fchat%2fcompletions",
    "/V1/chat/completions", "/v1/Chat/Completions", "/v1/CHAT/COMPLETIONS", "/v1%2fchat%2fcompletions",
    "/v1/chat%2fcompletions", "/v1/chat%252fcompletions", "/v1/chat%2Fcompletions", "/%2fv1/chat/completions",
    "/v1/chat/completions%2f", "/v1/chat/completions%20", "/v1/chat/completions%00", "/v1/chat/completions%0d%0a",
    "/v1/chat/completions;x=1", "/v1/chat/completions%3fx", "/v1/chat/completions%23x", "/v1/chat/completions.json",
    "/v1/chat\\completions", "/v1/chat/completions/../../files", "/v1/files", "/v1/chat", "/v1", "/chat/completions",
    "/openai", "/v1/embeddings/..", "/v1/%63hat%2fcompletions", "/health/%2e%2e%2fapi%2fusers", "/api/users/",
    "/v1/messages/../files", "/v1/responses/%2e%2e/%2e%2e/admin", "/%2e%2e/%2e%2e/etc/passwd", "/..;/v1/files",
    "/v1/chat/completions/%2e%2e/%2e%2e/files", "/static/../config.yml", "/http://127.0.0.1/v1/files",
]  # fmt: skip


def request(form: str, *headers: str) -> bytes:
    lines = [f"POST {form} HTTP/1.1", "Host: relay", f"Content-Length: {len(BODY)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + BODY


@pytest.mark.parametrize("form", FORMS)
async def test_this_form_is_refused_without_a_credential(start_relay: StartRelay, form: str) -> None:
    relay = await start_relay()
    answer = await raw_exchange(relay.port, request(form))
    assert answer[9:12] in (b"400", b"401")


@pytest.mark.parametrize("form", FORMS)
async def test_this_form_reaches_no_upstream_even_with_a_credential(
    start_relay: StartRelay, start_upstream: StartUpstream, form: str
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    answer = await raw_exchange(relay.port, request(form, f"x-api-key: {ACCESS_KEY}"))
    assert (answer[9:12] in (b"400", b"404", b"405"), upstream.received) == (True, [])


@pytest.mark.parametrize("form", ["http://evil.example/v1/chat/completions", "https://relay/v1/chat/completions"])
async def test_an_absolute_target_names_no_upstream(
    start_relay: StartRelay, start_upstream: StartUpstream, form: str
) -> None:
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    await raw_exchange(relay.port, request(form, f"x-api-key: {ACCESS_KEY}"))
    assert {received.target for received in upstream.received} <= {"/v1/chat/completions"}


async def test_an_encoded_letter_is_the_same_path_with_the_same_lock(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    locked = await raw_exchange(relay.port, request("/v1/%63hat/completions"))
    opened = await raw_exchange(relay.port, request("/v1/%63hat/completions", f"x-api-key: {ACCESS_KEY}"))
    assert (locked[9:12], opened[9:12]) == (b"401", b"200")
    assert [received.target for received in upstream.received] == ["/v1/chat/completions"]
