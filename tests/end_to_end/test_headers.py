"""What an answer's headers tell, be it a success, an error or a stream."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, provider, raw_exchange
from tests.support.scripted import Script, answers, streams

ASKED = b'{"model":"Alias","stream":%s}'
GOOD_STREAM = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
TOLD = [
    ("x-request-id", "upstream-id"),
    ("x-ratelimit-remaining-requests", "7"),
    ("anthropic-ratelimit-tokens-limit", "9"),
    ("openai-processing-ms", "12"),
    ("retry-after", "5"),
]
JSON = [("Content-Type", "application/json"), *TOLD]
ANSWERS: dict[str, tuple[Script, bytes]] = {
    "plain": (answers(200, b'{"choices":[]}', JSON), b"false"),
    "streamed": (streams([GOOD_STREAM], [("Content-Type", "text/event-stream"), *TOLD]), b"true"),
    "rate limited": (answers(429, b'{"error":{"message":"slow down"}}', JSON), b"true"),
    "refused": (answers(400, b'{"error":{"message":"no"}}', JSON), b"true"),
}


async def headers_of(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, name: str
) -> CIMultiDictProxy[str]:
    script, stream = ANSWERS[name]
    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url)}, model_routing={"aliases": {"alias": "real-name@up"}})
    async with http.post(f"{relay.openai_url}/chat/completions", data=ASKED % stream) as answer:
        await answer.read()
        return answer.headers


@pytest.mark.parametrize("name", ANSWERS)
async def test_who_served_it_is_told(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, name: str
) -> None:
    headers = await headers_of(start_relay, start_upstream, http, name)
    assert headers["X-MonoRelay-Provider"] == "up"
    assert headers["X-MonoRelay-Model"] == "real-name"
    assert headers["X-MonoRelay-Attempts"] == "1"
    assert headers["X-MonoRelay-Upstream-Request-Id"] == "upstream-id"
    assert float(headers["X-MonoRelay-Overhead-Ms"]) >= 0
    assert headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize("name", ANSWERS)
async def test_rate_limits_and_retry_after_come_through(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, name: str
) -> None:
    headers = await headers_of(start_relay, start_upstream, http, name)
    expected = {key: [value] for key, value in TOLD[1:]}
    if name == "refused":
        del expected["retry-after"]  # Waiting would not mend the request.
    assert {key: headers.getall(key) for key in expected} == expected
    assert len(headers.getall("retry-after", [])) == ("retry-after" in expected)


async def test_a_retry_after_is_the_wait_for_the_nearest_key_in_seconds_whatever_the_provider_wrote(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    told = {"7": "7", "Wed, 21 Oct 2099 07:28:00 GMT": "60", "soon": "60", "-1": "60"}  # A key's cooldown is 60 s.
    for value, seconds in told.items():
        upstream = await start_upstream(answers(429, b"{}", [("Retry-After", value)]))
        relay = await start_relay({"up": provider(upstream.url, default=True)})
        async with http.post(f"{relay.openai_url}/chat/completions", data=ASKED % b"false") as answer:
            assert (answer.status, answer.headers.get("Retry-After")) == (429, seconds)


async def test_a_stream_is_neither_cached_nor_collected_on_the_way(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    headers = await headers_of(start_relay, start_upstream, http, "streamed")
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers


async def test_a_refusal_of_the_relays_own_key_tells_nothing_of_the_account(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(401, b'{"error":{"message":"bad key"}}', JSON))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=ASKED % b"false") as answer:
        assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
        assert not [name for name in answer.headers if "ratelimit" in name.lower() or name.lower() == "retry-after"]


async def test_headers_that_connection_names_stay_here_wherever_it_stands(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    relay = await start_relay({"up": provider(upstream.url, default=True, forward_headers=["x-*"])})
    body = ASKED % b"false"
    lines = [
        "POST /v1/chat/completions HTTP/1.1", "Host: x", f"x-api-key: {ACCESS_KEY}",
        f"Content-Length: {len(body)}", "Connection: keep-alive", "Connection: X-One, x-two", "X-One: 1", "X-Two: 2",
        "X-Three: 3", "", "",
    ]  # fmt: skip
    await raw_exchange(relay.port, "\r\n".join(lines).encode() + body)
    (request,) = upstream.received
    assert [request.header(name) for name in ("x-one", "x-two", "x-three")] == [None, None, "3"]
