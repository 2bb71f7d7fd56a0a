"""`key_selection.queue`, `max_parallel` and `hedge` over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from relay.model import Target
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import RunningRelay, provider
from tests.support.scripted import Out, Received, answers

BODY = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
GOOD = answers(200, BODY)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
SSE = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]


class Gate:
    """An upstream that answers at a word, one call a word."""

    def __init__(self) -> None:
        self.words = asyncio.Semaphore(0)
        self.asked: list[str] = []
        self.came = asyncio.Condition()

    async def __call__(self, request: Received, out: Out) -> None:
        async with self.came:
            self.asked.append(orjson.loads(request.body)["messages"][0]["content"])
            self.came.notify_all()
        await self.words.acquire()
        await GOOD(request, out)

    async def has(self, count: int) -> list[str]:
        """What was asked, once it is so many."""
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: len(self.asked) >= count)
        return self.asked


async def call(relay: RunningRelay, http: aiohttp.ClientSession, text: str, **fields: Any) -> tuple[int, str | None]:
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields})
    async with http.post(f"{relay.openai_url}/chat/completions", data=body) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Retry-After")


async def in_line(relay: RunningRelay, count: int) -> None:
    """Wait until so many calls stand in line."""
    async with asyncio.timeout(10):
        while len(relay.state.lines) != count:
            await asyncio.sleep(0.005)


ONE_AT_A_TIME = [{"max_parallel": 1}, {"keys": [{"key": "sk-1", "max_parallel": 1}]}, {"keys": [], "max_parallel": 1}]


@pytest.mark.parametrize("options", ONE_AT_A_TIME, ids=["of the provider", "of its key", "without keys"])
async def test_calls_wait_for_a_key_in_order(
    options: dict[str, Any], start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    gate = Gate()
    upstream = await start_upstream(gate)
    up = {**provider(upstream.url, default=True), **options}
    relay = await start_relay({"up": up}, key_selection={"queue": 30})
    tasks = []
    for number in range(4):
        tasks.append(asyncio.create_task(call(relay, http, str(number))))
        await (gate.has(1) if number == 0 else in_line(relay, number))
    for number in range(4):
        assert (await gate.has(number + 1))[number:] == [str(number)]
        gate.words.release()
    assert await asyncio.gather(*tasks) == [(200, None)] * 4


async def test_who_leaves_the_line_is_not_waited_for(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    gate = Gate()
    upstream = await start_upstream(gate)
    relay = await start_relay({"up": provider(upstream.url, default=True, max_parallel=1)}, key_selection={"queue": 30})
    first = asyncio.create_task(call(relay, http, "first"))
    await gate.has(1)
    leaving = asyncio.create_task(call(relay, http, "leaving"))
    await in_line(relay, 1)
    last = asyncio.create_task(call(relay, http, "last"))
    await in_line(relay, 2)
    leaving.cancel()
    await in_line(relay, 1)
    gate.words.release()
    gate.words.release()
    assert (await first, await last) == ((200, None), (200, None))
    assert gate.asked == ["first", "last"]


async def test_without_a_queue_a_full_provider_is_told_at_once(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    gate = Gate()
    upstream = await start_upstream(gate)
    relay = await start_relay({"up": provider(upstream.url, default=True, max_parallel=1)})
    first = asyncio.create_task(call(relay, http, "first"))
    await gate.has(1)
    assert await call(relay, http, "second") == (429, "1")
    gate.words.release()
    assert await first == (200, None)
    gate.words.release()
    assert await call(relay, http, "third") == (200, None)


async def test_a_full_provider_is_passed_over_where_there_is_another(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    gate = Gate()
    upstream, other = await start_upstream(gate), await start_upstream(GOOD)
    relay = await start_relay(
        {
            "up": provider(upstream.url, max_parallel=1, models={"include": ["m"]}),
            "other": provider(other.url, models={"include": ["m"]}),
        },
        key_selection={"queue": 30},
    )
    first = asyncio.create_task(call(relay, http, "first"))
    await gate.has(1)
    assert await call(relay, http, "second") == (200, None)
    assert len(other.received) == 1
    gate.words.release()
    assert await first == (200, None)


async def test_nobody_waits_for_what_comes_too_late(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(429, b"{}", [("Retry-After", "40")]))
    relay = await start_relay({"up": provider(upstream.url, default=True)}, key_selection={"queue": 30})
    assert await call(relay, http, "first") == (429, "40")
    assert await call(relay, http, "second") == (429, "40"), "at once: in 30 s there is no key"


class Late:
    """Model `slow` begins at a word, `quick` at once."""

    def __init__(self) -> None:
        self.word = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, request: Received, out: Out) -> None:
        await out.head(200, SSE)
        if orjson.loads(request.body)["model"] == "slow" and not self.word.is_set():
            await out.peer_left()
            self.left.set()
            return
        await out.chunk(EVENT)
        await out.chunk(b"data: [DONE]\n\n")
        await out.chunk(b"")


HEDGED = {"aliases": {"x": {"targets": ["slow", "quick"], "hedge": {"after": "p95"}}}}


async def test_a_stream_that_is_late_is_begun_elsewhere_and_both_are_booked(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    late = Late()
    upstream = await start_upstream(late)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=HEDGED)
    late.word.set()
    for _ in range(20):
        assert await call(relay, http, "Hi", model="x", stream=True) == (200, None)
    late.word.clear()
    assert await call(relay, http, "Hi", model="x", stream=True) == (200, None)
    async with asyncio.timeout(10):
        await late.left.wait()
    record = (await relay.records(21))[20]
    assert [(one.target.model, one.status, one.error) for one in record.attempts] == [
        ("slow", None, None),
        ("quick", 200, None),
    ]
    assert record.target == Target("up", "quick")
    assert record.outcome == "complete"
    meters = relay.state.memory.meters
    assert [meters.busy(Target("up", model)) for model in ("slow", "quick")] == [0, 0]
    assert meters.provider("up").in_flight == 0


async def test_plain_calls_and_what_was_not_measured_are_not_hedged(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(GOOD)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=HEDGED)
    assert await call(relay, http, "Hi", model="x") == (200, None)
    assert [orjson.loads(request.body)["model"] for request in upstream.received] == ["slow"]
