"""A failed key or provider before the first byte means the next one; after it, never; and the truth when all failed."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import RunningRelay, provider
from tests.support.scripted import Out, Received, Script, answers, in_turn, streams

GOOD = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
GOOD_STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
ERROR = b'{"error":{"message":"no","type":"x","code":"y"}}'
SSE = (("Content-Type", "text/event-stream"),)


async def resets(request: Received, out: Out) -> None:
    out.abort()


async def dies_behind_half_an_event(request: Received, out: Out) -> None:
    await out.head(200, [*SSE, ("Transfer-Encoding", "chunked")])
    await out.chunk(GOOD_STREAM[:30])
    out.abort()


FAILS_FOR_A_KEY: dict[str, Script] = {
    "401": answers(401, ERROR),
    "403 that names the key": answers(403, b'{"error":{"message":"no","code":"invalid_api_key"}}'),
    "402": answers(402, ERROR),
    "429": answers(429, ERROR),
    "500": answers(500, ERROR),
    "503 in HTML": answers(503, b"<html>", [("Content-Type", "text/html")]),
    "529": answers(529, ERROR),
    "a first event that is an error": streams([b'data: {"error":{"message":"no","code":"rate_limit_exceeded"}}\n\n']),
    "a first event that is no JSON": streams([b"data: <html>\n\n"]),
}
FAILS_FOR_A_TARGET: dict[str, Script] = {
    "a reset": resets,
    "a redirect": answers(302, b"", [("Location", "http://127.0.0.1:1/")]),
    "404": answers(404, ERROR),
    "nothing": streams([b""]),
    "an end mark alone": streams([b"data: [DONE]\n\n"]),
    "comments alone": streams([b": a\n\n", b": b\n\n"]),
    "half an event": dies_behind_half_an_event,
    "an unknown coding": answers(200, b"x", [*SSE, ("Content-Encoding", "br")]),
    "a corrupt coding": answers(200, b"x", [*SSE, ("Content-Encoding", "gzip")]),
}


async def ask(http: aiohttp.ClientSession, relay: RunningRelay, stream: str = "true") -> tuple[int, bytes, str | None]:
    body = b'{"model":"m","stream":%s}' % stream.encode()
    async with http.post(f"{relay.openai_url}/chat/completions", data=body) as answer:
        return answer.status, await answer.read(), answer.headers.get("X-MonoRelay-Attempts")


@pytest.mark.parametrize("script", FAILS_FOR_A_KEY.values(), ids=FAILS_FOR_A_KEY.keys())
async def test_the_next_key_serves(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, script: Script
) -> None:
    upstream = await start_upstream(in_turn(script, streams([GOOD_STREAM])))
    relay = await start_relay({"up": provider(upstream.url, keys=2, default=True)})
    assert await ask(http, relay) == (200, GOOD_STREAM, "2")
    first, second = (request.header("Authorization") for request in upstream.received)
    assert first != second


@pytest.mark.parametrize(
    "script",
    [*FAILS_FOR_A_KEY.values(), *FAILS_FOR_A_TARGET.values()],
    ids=[*FAILS_FOR_A_KEY.keys(), *FAILS_FOR_A_TARGET.keys()],
)
async def test_the_next_provider_serves(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, script: Script
) -> None:
    bad, good = await start_upstream(script), await start_upstream(streams([GOOD_STREAM]))
    models = {"include": ["m"]}
    relay = await start_relay({"bad": provider(bad.url, models=models), "good": provider(good.url, models=models)})
    status, body, _ = await ask(http, relay)
    assert (status, body, len(good.received)) == (200, GOOD_STREAM, 1)


async def test_a_provider_that_can_not_be_reached_means_the_next(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    good = await start_upstream(answers(200, GOOD))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    models = {"include": ["m"]}
    relay = await start_relay(
        {"bad": provider(f"http://127.0.0.1:{port}", models=models), "good": provider(good.url, models=models)}
    )
    assert await ask(http, relay, "false") == (200, GOOD, "2")


async def test_keys_take_turns(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(200, GOOD))
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True)})
    for _ in range(6):
        await ask(http, relay, "false")
    used = [(request.header("Authorization") or "")[-1] for request in upstream.received]
    assert used == ["1", "2", "3", "1", "2", "3"]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_the_request_itself_provoked_is_not_tried_again(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, status: int
) -> None:
    upstream = await start_upstream(answers(status, ERROR))
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True)})
    assert (await ask(http, relay))[:2] == (status, ERROR)
    assert len(upstream.received) == 1


async def test_at_most_three_attempts_are_made(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(500, ERROR))
    relay = await start_relay({"up": provider(upstream.url, keys=9, default=True)})
    assert (await ask(http, relay))[0] == 500
    assert len(upstream.received) == 3


async def test_nothing_is_tried_again_once_the_answer_has_begun(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    async def dies_behind_an_event(request: Received, out: Out) -> None:
        await out.head(200, [*SSE, ("Transfer-Encoding", "chunked")])
        await out.chunk(b'data: {"choices":[]}\n\n')
        out.abort()

    upstream = await start_upstream(dies_behind_an_event)
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True)})
    status, body, _ = await ask(http, relay)
    assert (status, len(upstream.received)) == (200, 1)
    assert body.startswith(b'data: {"choices":[]}\n\ndata: {"error":{')


async def test_a_connection_that_died_in_the_pool_costs_no_call(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    async def answers_once_a_connection(request: Received, out: Out) -> None:
        await answers(200, GOOD)(request, out)
        if len(upstream.received) == 1:
            upstream.script = in_turn(resets, answers(200, GOOD))

    upstream = await start_upstream(answers_once_a_connection)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    assert await ask(http, relay, "false") == (200, GOOD, "1")
    assert await ask(http, relay, "false") == (200, GOOD, "2")


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_a_head_without_any_body_in_time_is_a_504(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, stream: str
) -> None:
    async def stands_still(request: Received, out: Out) -> None:
        await out.head(200, [*SSE, ("Transfer-Encoding", "chunked")])

    upstream = await start_upstream(stands_still)
    timeout = {"first_byte": "50ms", "idle": "50ms"}
    relay = await start_relay({"up": provider(upstream.url, default=True, timeout=timeout)})
    status, body, _ = await ask(http, relay, stream)
    assert (status, b"upstream_timeout" in body) == (504, True)


async def test_a_stall_in_the_middle_ends_with_an_error_event(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    async def stalls(request: Received, out: Out) -> None:
        await out.head(200, [*SSE, ("Transfer-Encoding", "chunked")])
        await out.chunk(b'data: {"choices":[]}\n\ndata: {"half')

    upstream = await start_upstream(stalls)
    relay = await start_relay({"up": provider(upstream.url, default=True, timeout={"idle": "50ms"})})
    status, body, _ = await ask(http, relay)
    events = body.split(b"\n\n")
    assert (status, len(events), b"stream_idle_timeout" in events[1]) == (200, 3, True)
