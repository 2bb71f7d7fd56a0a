"""The end of the process: nobody is cut in silence, nothing is lost, and the balancer hears of it first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import StartUpstream
from tests.support.clients import Caller, Callers, chat_request
from tests.support.daemon import Daemon, daemon
from tests.support.running import provider, raw_exchange
from tests.support.scripted import Out, Received, streams

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
READY = b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n"


async def one_event(request: Received, out: Out) -> None:
    """A stream that begins and then says no more."""
    await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
    await out.chunk(EVENT)
    await out.peer_left()


async def begun(call: Callers, port: int) -> Caller:
    caller = await call(port, chat_request())
    await caller.reader.readuntil(EVENT)
    return caller


@pytest.mark.proof
async def test_streams_that_outlast_the_drain_are_told_so(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers, proof_count: Callable[[int], int]
) -> None:
    count = proof_count(200)
    upstream = await start_upstream(one_event)
    server = {"drain": 2, "drain_delay": 0.5}
    async with daemon(tmp_path, {"up": provider(upstream.url, default=True)}, server=server) as relay:
        callers = await asyncio.gather(*(begun(call, relay.port) for _ in range(count)))
        ending = asyncio.create_task(relay.end())
        await _says_503(relay)
        ends = await asyncio.gather(*(caller.rest() for caller in callers))
        assert await ending == 0
        assert sum(b'"code":"shutting_down"' in end and end.endswith(b"\r\n0\r\n\r\n") for end in ends) == count
        assert relay.rows() == [("shutting_down", count)]


async def _says_503(relay: Daemon) -> None:
    """A balancer that looks at short intervals sees the 503 while new calls are still served."""
    async with asyncio.timeout(10):
        while not (await raw_exchange(relay.port, READY)).startswith(b"HTTP/1.1 503 "):
            pass


async def test_a_call_that_ends_within_the_drain_ends_as_it_should(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers
) -> None:
    may_go_on = asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        await out.chunk(EVENT)
        await may_go_on.wait()
        await out.chunk(b"data: [DONE]\n\n")
        await out.chunk(b"")

    upstream = await start_upstream(script)
    async with daemon(tmp_path, {"up": provider(upstream.url, default=True)}) as relay:
        caller = await begun(call, relay.port)
        ending = asyncio.create_task(relay.end())
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                while True:
                    await raw_exchange(relay.port, READY)
            may_go_on.set()
            assert b"data: [DONE]" in await caller.rest()
        assert await ending == 0
        assert relay.rows() == [("complete", 1)]


async def test_a_second_signal_ends_the_drain_at_once(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers
) -> None:
    upstream = await start_upstream(one_event)
    async with daemon(tmp_path, {"up": provider(upstream.url, default=True)}) as relay:
        caller = await begun(call, relay.port)
        relay.process.terminate()
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                while True:
                    await raw_exchange(relay.port, READY)
            relay.process.terminate()
            assert b'"code":"shutting_down"' in await caller.rest()
            assert await relay.process.wait() == 0


class Clients:
    """Two kinds, which call again and again until they are told to stop."""

    def __init__(self) -> None:
        self.are_over = asyncio.Event()
        self.served = [0, 0]

    async def alone(self, call: Callers, port: int) -> None:
        """A connection for each call."""
        while not self.are_over.is_set():
            caller = await call(port, chat_request(close=True))
            assert b"data: [DONE]" in await caller.rest()
            caller.writer.close()
            self.served[0] += 1

    async def kept(self, session: aiohttp.ClientSession, url: str) -> None:
        """One connection for as long as it is kept open."""
        body = {"model": "m", "stream": True}
        while not self.are_over.is_set():
            async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                assert b"data: [DONE]" in await answer.read()
            self.served[1] += 1


@pytest.mark.proof
async def test_restarts_with_a_socket_unit_refuse_and_reset_nobody(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers, proof_count: Callable[[int], int]
) -> None:
    upstream = await start_upstream(streams([EVENT, b"data: [DONE]\n\n"]))
    providers = {"up": provider(upstream.url, default=True)}
    clients = Clients()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        port = listener.getsockname()[1]
        headers = {"x-api-key": "test-access-key-0123456789"}
        async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(clients.alone(call, port))
                group.create_task(clients.kept(session, f"http://127.0.0.1:{port}"))
            for _ in range(proof_count(5)):
                async with daemon(tmp_path, providers, listener=listener) as relay:
                    await _serve_more(clients.served)
                    assert await relay.end() == 0
            async with daemon(tmp_path, providers, listener=listener) as relay:
                await _serve_more(clients.served)
                clients.are_over.set()
                async with asyncio.timeout(30):
                    while relay.rows("count(*)", "")[0][0] < sum(clients.served):
                        await asyncio.sleep(0.05)
        assert relay.rows() == [("complete", sum(clients.served))]


async def _serve_more(served: list[int]) -> None:
    """Until each kind of client has had some answers."""
    before = list(served)
    async with asyncio.timeout(30):
        while min(now - then for now, then in zip(served, before, strict=True)) < 20:
            await asyncio.sleep(0.01)
