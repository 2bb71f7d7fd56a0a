"""Clients that leave at any moment: the upstream call is closed at once, nothing is left, and each is recorded."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from relay.model import Outcome
from tests.conftest import StartRelay, StartUpstream
from tests.support.clients import Callers, chat_request
from tests.support.daemon import daemon
from tests.support.running import RunningRelay, provider
from tests.support.scripted import Out, Received

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
STREAM_HEAD = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
PLAIN_HEAD = [("Content-Type", "application/json"), ("Content-Length", "1000")]
AT_ONCE = 20
figures = logging.getLogger("proof")
STORE_FILES = 3
"""Of a second connection to the store, which is opened when it is needed."""
MAX_LAG_S = 0.1
"""Until the upstream's connection is closed, at the 99th percentile."""


class Moments:
    """When each client left, and when the upstream saw its call closed."""

    def __init__(self) -> None:
        self.arrived: dict[str, asyncio.Event] = {}
        self.left_s: dict[str, float] = {}
        self.closed_s: dict[str, float] = {}
        self.closed = asyncio.Condition()

    async def script(self, request: Received, out: Out) -> None:
        """How far an answer gets is the client's choice, in its `user`: `number/events`, where -1 is no head at all."""
        body = orjson.loads(request.body)
        user = body["user"]
        events = int(user.partition("/")[2])
        if events >= 0:
            await out.head(200, STREAM_HEAD if body["stream"] else PLAIN_HEAD)
        for _ in range(events if body["stream"] else 0):
            await out.chunk(EVENT)
        self.arrived[user].set()
        await out.peer_left()
        async with self.closed:
            self.closed_s[user] = asyncio.get_running_loop().time()
            self.closed.notify_all()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.proof
async def test_clients_that_leave_at_random_moments_leave_nothing_behind(
    start_relay: StartRelay, start_upstream: StartUpstream, call: Callers, proof_count: Callable[[int], int]
) -> None:
    count, rng, moments = proof_count(1000), random.Random(7), Moments()
    upstream = await start_upstream(moments.script)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    tasks, files = len(asyncio.all_tasks()), open_files()
    gate = asyncio.Semaphore(AT_ONCE)

    async def come_and_leave(number: int) -> None:
        events, stream = rng.choice([-1, 0, 1, 5, 50]), rng.random() < 0.7
        user = f"{number}/{events}"
        moments.arrived[user] = asyncio.Event()
        async with gate:
            caller = await call(relay.port, chat_request(stream=stream, user=user))
            await moments.arrived[user].wait()
            for _ in range(rng.randint(0, max(events, 0)) if stream else 0):
                await caller.reader.readuntil(EVENT)
            moments.left_s[user] = asyncio.get_running_loop().time()
            caller.leave()
            async with moments.closed:
                await moments.closed.wait_for(lambda: user in moments.closed_s)

    async with asyncio.timeout(120):
        await asyncio.gather(*(come_and_leave(number) for number in range(count)))
    records = await relay.records(count)
    assert [(record.outcome, record.status_code) for record in records] == [(Outcome.CLIENT_GONE, 499)] * count
    assert len({record.call_id for record in records}) == count
    lags_s = sorted(moments.closed_s[user] - left_s for user, left_s in moments.left_s.items())
    figures.info("closed within %.1f ms at the 99th percentile of %d", lags_s[int(count * 0.99) - 1] * 1000, count)
    assert lags_s[int(count * 0.99) - 1] <= MAX_LAG_S, lags_s[-10:]
    await call.close()
    await _nothing_is_left(relay, tasks, files)


@pytest.mark.proof
async def test_a_daemon_whose_clients_left_while_it_called_the_provider_ends_when_it_is_told_to(
    tmp_path: Path, proof_count: Callable[[int], int]
) -> None:
    """The moments are random down to those at which a connection to the provider is being made."""
    count, rng = proof_count(1500), random.Random(11)

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            await reader.read()
        writer.close()

    async def come_and_leave(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chat_request(stream=False))
        for _ in range(rng.randint(0, 40)):
            await asyncio.sleep(0)
        writer.transport.abort()

    async with await asyncio.start_server(answer_late, "127.0.0.1", 0, backlog=1000) as upstream:
        url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        async with daemon(tmp_path, {"up": provider(url, default=True)}, server={"drain": 2}) as relay:
            most = relay.open_files() + STORE_FILES
            for _ in range(0, count, AT_ONCE):
                await asyncio.gather(*(come_and_leave(relay.port) for _ in range(AT_ONCE)))
            async with asyncio.timeout(10):
                while relay.open_files() > most:
                    await asyncio.sleep(0)
            assert await relay.end(within_s=15) == 0
            assert {outcome for outcome, _ in relay.rows()} <= {"client_gone", "rejected"}


async def _nothing_is_left(relay: RunningRelay, tasks: int, files: int) -> None:
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks or open_files() > files:
            await asyncio.sleep(0)
    assert len(relay.state.live_calls) == len(relay.state.sweep) == len(relay.listening.connections) == 0


@pytest.mark.parametrize(
    ("bytes_", "code"),
    [(b"", "stream_idle_timeout"), (b"zz\r\nnot a chunk\r\n", "upstream_protocol"), (b"2\r\nx", "stream_idle_timeout")],
    ids=["silence", "a malformed chunk", "half a chunk"],
)
async def test_what_stands_still_ends_with_an_error_event_within_a_second_of_its_deadline(
    start_relay: StartRelay, start_upstream: StartUpstream, call: Callers, bytes_: bytes, code: str
) -> None:
    idle_s, has_begun = 0.2, asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        await out.head(200, STREAM_HEAD)
        await out.chunk(EVENT)
        await has_begun.wait()
        await out.raw(bytes_)
        await out.peer_left()

    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, default=True, timeout={"idle": idle_s})})
    caller = await call(relay.port, chat_request())
    await caller.reader.readuntil(EVENT)
    has_begun.set()
    async with asyncio.timeout(idle_s + 1):
        rest = await caller.rest()
    assert f'"code":"{code}"'.encode() in rest
    (record,) = await relay.records()
    assert (record.outcome, record.status_code, record.error_type) == (Outcome.UPSTREAM_BROKEN, 200, code)


async def test_a_client_that_leaves_with_its_whole_answer_was_served(
    start_relay: StartRelay, start_upstream: StartUpstream, call: Callers
) -> None:
    async def script(request: Received, out: Out) -> None:
        await out.head(200, STREAM_HEAD)
        await out.chunk(EVENT)
        await out.chunk(b"data: [DONE]\n\n")  # The end of the body never comes.
        await out.peer_left()

    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    caller = await call(relay.port, chat_request())
    assert b"data: [DONE]" in await caller.rest()
    caller.leave()
    (record,) = await relay.records()
    assert (record.outcome, record.status_code) == (Outcome.COMPLETE, 200)
