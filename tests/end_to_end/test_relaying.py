"""A call through a whole relay to a scripted upstream: what arrives there, and what comes back."""

from __future__ import annotations

import aiohttp
import orjson
from yarl import URL

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import UPSTREAM_KEY, provider
from tests.support.scripted import answers, streams

CHAT = b'{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'


async def test_a_plain_answer_comes_back_byte_for_byte(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(200, CHAT))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    url = URL(f"{relay.openai_url}/chat/completions?x=%2Fy&x=2", encoded=True)
    async with http.post(url, data=b'{"model":"m", "unknown":{"a":[1.5]}}') as answer:
        assert (answer.status, await answer.read()) == (200, CHAT)
    (request,) = upstream.received
    assert request.target == "/v1/chat/completions?x=%2Fy&x=2"
    assert orjson.loads(request.body) == {"model": "m", "unknown": {"a": [1.5]}}
    assert request.header("Authorization") == f"Bearer {UPSTREAM_KEY}-1"


async def test_a_stream_comes_back_byte_for_byte(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    pieces = [b'data: {"choices":[{"delta":{"content":"h\xc3', b'\xa9"}}]}\n', b"\nda", b"ta: [DONE]\n\n"]
    upstream = await start_upstream(streams(pieces))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m","stream":true}') as answer:
        assert answer.status == 200
        assert await answer.read() == b"".join(pieces)
