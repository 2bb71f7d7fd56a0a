"""How many connections there may be: who makes room, who gets one answer, and who gets none."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import cast

import pytest
from aiohttp import web

from relay.web.connection import Connection
from relay.web.connections import (
    LEAST,
    RESERVED_FILES,
    SURPLUS,
    SURPLUS_HEAD_S,
    ConnectionRule,
    Connections,
    limit_for,
    open_files_limit,
)
from relay.web.listening import listening, protocol_options
from tests.web.conftest import connections

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("open_files", [0, 1, RESERVED_FILES + SURPLUS])
def test_there_are_a_few_connections_however_few_files_there_may_be(open_files: int) -> None:
    assert limit_for(open_files) == LEAST


@pytest.mark.parametrize("open_files", [1024, 4096, 1_048_576])
def test_each_connection_leaves_a_descriptor_for_a_provider(open_files: int) -> None:
    limit = limit_for(open_files)
    assert open_files - 2 <= 2 * limit + SURPLUS + RESERVED_FILES <= open_files


def test_the_limit_of_this_process_is_known() -> None:
    assert limit_for(open_files_limit()) >= LEAST


class Client:
    """One connection to the application."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def read_answer(self) -> bytes:
        """One answer of the application, which ends with a full stop."""
        async with asyncio.timeout(10):
            return await self._reader.readuntil(b"served.")

    async def ask(self) -> bytes:
        self.send(ASK)
        return await self.read_answer()

    async def rest(self) -> bytes:
        """All that comes until the other side closes; empty after a reset too."""
        try:
            async with asyncio.timeout(10):
                return await self._reader.read()
        except ConnectionError:
            return b""

    def close(self) -> None:
        self._writer.transport.abort()


class Served:
    """An application over a registry, and its clients."""

    def __init__(self, registry: Connections, port: int, stack: AsyncExitStack) -> None:
        self.registry = registry
        self.may_answer = asyncio.Event()
        self.is_waiting = asyncio.Event()
        self._port = port
        self._stack = stack

    async def client(self) -> Client:
        """One that is connected, and that the registry knows of or has dropped."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self._port))
        self._stack.callback(client.close)
        return client

    async def idle(self) -> Client:
        """One that has been answered."""
        client = await self.client()
        await client.ask()
        return client

    async def busy(self) -> Client:
        """One whose request is being handled until `may_answer`."""
        self.is_waiting.clear()
        client = await self.client()
        client.send(WAIT)
        async with asyncio.timeout(10):
            await self.is_waiting.wait()
        return client


Serve = Callable[[Connections], Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(registry: Connections) -> Served:
            listener = socket.create_server(("127.0.0.1", 0))
            served = Served(registry, listener.getsockname()[1], stack)

            async def get(request: web.Request) -> web.Response:
                connection = cast(Connection, request.protocol)
                connection.begin(request.writer, request.content)
                try:
                    if request.path == "/wait":
                        served.is_waiting.set()
                        await served.may_answer.wait()
                    response = web.Response(text=f"{'surplus' if connection.is_surplus else 'well'} served.")
                    if not connection.keeps_open:
                        response.force_close()
                    return response
                finally:
                    connection.end()

            app = web.Application()
            app.router.add_get("/{any:.*}", get)
            await stack.enter_async_context(listening(app, listener, registry))
            return served

        yield start


async def test_an_idle_connection_stays_while_there_is_room(serve: Serve) -> None:
    served = await serve(connections(3))
    clients = [await served.idle() for _ in range(3)]
    for client in clients:
        assert b"well served." in await client.ask()
    assert len(served.registry) == 3


async def test_one_more_makes_the_longest_idle_one_go(serve: Serve) -> None:
    served = await serve(connections(2))
    first, second = await served.idle(), await served.idle()
    await first.ask()
    third = await served.idle()
    assert await second.rest() == b""
    for client in (first, third):
        assert b"well served." in await client.ask()
    assert len(served.registry) == 2


async def test_one_that_was_heard_of_a_moment_ago_makes_no_room_yet(serve: Serve) -> None:
    served = await serve(connections(1, silent_s=60))
    first = await served.idle()
    assert b"surplus served." in await (await served.client()).ask()
    assert b"well served." in await first.ask()


async def test_a_connection_that_never_asked_makes_room_too(serve: Serve) -> None:
    served = await serve(connections(1))
    silent = await served.client()
    assert b"well served." in await (await served.client()).ask()
    assert await silent.rest() == b""


async def test_a_busy_connection_never_makes_room(serve: Serve) -> None:
    served = await serve(connections(2))
    busy = [await served.busy() for _ in range(2)]
    assert b"surplus served." in await (await served.client()).ask()
    served.may_answer.set()
    for client in busy:
        assert b"well served." in await client.read_answer()


async def test_of_busy_and_idle_ones_the_idle_one_makes_room_however_short_it_is_idle(serve: Serve) -> None:
    served = await serve(connections(2))
    busy, idle = await served.busy(), await served.idle()
    assert b"well served." in await (await served.client()).ask()
    assert await idle.rest() == b""
    served.may_answer.set()
    assert b"well served." in await busy.read_answer()


async def test_a_surplus_connection_gets_one_answer_and_is_closed(serve: Serve) -> None:
    served = await serve(connections(1))
    await served.busy()
    surplus = await served.client()
    assert b"surplus served." in await surplus.ask()
    assert await surplus.rest() == b""


async def test_the_room_of_a_busy_connection_that_has_ended_is_free_again(serve: Serve) -> None:
    served = await serve(connections(1))
    busy = await served.busy()
    served.may_answer.set()
    await busy.read_answer()
    assert b"well served." in await (await served.client()).ask()
    assert await busy.rest() == b""


async def test_beyond_the_surplus_the_newest_is_dropped_without_an_answer(serve: Serve) -> None:
    served = await serve(connections(1))
    busy = await served.busy()
    surplus = [await served.busy() for _ in range(SURPLUS)]
    dropped = await served.client()
    dropped.send(ASK)
    assert await dropped.rest() == b""
    served.may_answer.set()
    assert b"well served." in await busy.read_answer()
    for client in surplus:
        assert b"surplus served." in await client.read_answer()


def stranger_to_all(limit: int, *, is_trusted: bool = False) -> Connections:
    """A registry to which the address of the clients is a stranger's."""
    return Connections(
        limit=limit,
        rule=ConnectionRule(60, 60, protocol_options(60), lambda address: is_trusted),
        clock_s=time.monotonic,
    )


async def test_one_address_gets_its_share_and_no_more(serve: Serve) -> None:
    served = await serve(stranger_to_all(4 * LEAST))
    own = [await served.idle() for _ in range(LEAST)]
    one_more = await served.client()
    assert b"surplus served." in await one_more.ask()
    for client in own:
        assert b"well served." in await client.ask()


async def test_the_share_is_free_again_once_a_connection_is_gone(serve: Serve) -> None:
    served = await serve(stranger_to_all(4 * LEAST))
    clients = [await served.client() for _ in range(LEAST)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"well served." in await client.rest()
    assert b"well served." in await (await served.client()).ask()


async def test_a_trusted_address_stands_for_many(serve: Serve) -> None:
    served = await serve(stranger_to_all(4 * LEAST, is_trusted=True))
    for _ in range(4 * LEAST):
        assert b"well served." in await (await served.client()).ask()
    assert len(served.registry) == 4 * LEAST


async def test_at_the_end_a_busy_connection_is_closed_behind_its_answer(serve: Serve) -> None:
    served = await serve(connections(9))
    busy = await served.busy()
    served.registry.close_idle()
    served.may_answer.set()
    assert b"well served." in await busy.read_answer()
    assert await busy.rest() == b""


class Clock:
    """Stands still until it is moved."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_surplus_connection_has_less_time_for_its_head(serve: Serve) -> None:
    clock, opened = Clock(), asyncio.Event()

    def is_trusted(address: str) -> bool:
        opened.set()
        return True

    registry = Connections(
        limit=1,
        rule=ConnectionRule(60, 60, protocol_options(60), is_trusted),
        clock_s=clock,
    )
    served = await serve(registry)
    busy = await served.busy()
    opened.clear()
    slow = await served.client()
    await opened.wait()
    clock.now_s += SURPLUS_HEAD_S
    registry.look(clock.now_s)
    assert (await slow.rest()).startswith(b"HTTP/1.1 408 ")
    served.may_answer.set()
    assert b"well served." in await busy.read_answer()


async def test_of_connections_that_are_gone_nothing_is_left(serve: Serve) -> None:
    served = await serve(stranger_to_all(2))
    for _ in range(20):
        client = await served.client()
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await client.rest()
    assert len(served.registry) == 0
