"""The client's side of a stream, seen from raw sockets: its head, its end, its breaking off, and a client that left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web
from multidict import CIMultiDict
from pytest_aiohttp import AiohttpServer

from relay.core.stream import Client
from relay.errors import ClientGone
from relay.model import Dialect
from relay.web.exchange import Exchange
from relay.web.writer import ClientWriter
from tests.support.client_connection import FakeConnection

HEADERS = CIMultiDict({"Content-Type": "text/event-stream", "X-Of-The-Stream": "1"})
Part = Callable[[ClientWriter], Awaitable[None]]


@dataclass
class Handled:
    """What a handler saw; read once it has returned."""

    exchange: Exchange
    returned: asyncio.Event
    error: ClientGone | None = None


Serve = Callable[..., Awaitable[tuple[int, Handled]]]


def exchange_of(dialect: Dialect = Dialect.CHAT) -> Exchange:
    return Exchange("req_1", FakeConnection(), 0.0, headers={"X-Of-The-Exchange": "2"}, dialect=dialect)


@pytest.fixture
async def serve(aiohttp_server: AiohttpServer) -> Serve:
    """Serves `part` at a port; where there is a `before`, `part` waits behind it until the client has left."""

    async def start(part: Part, *, before: Part | None = None, exchange: Exchange | None = None) -> tuple[int, Handled]:
        handled = Handled(exchange or exchange_of(), asyncio.Event())

        async def handle(request: web.Request) -> web.StreamResponse:
            handled.exchange.connection, handled.exchange.has_started = FakeConnection(request), False
            writer = ClientWriter(request, handled.exchange, lambda: 0.0)
            try:
                if before is not None:
                    await before(writer)
                    await client_left()
                await part(writer)
            except ClientGone as error:
                handled.error = error
            finally:
                handled.returned.set()
            return writer.response

        app = web.Application()
        app.router.add_get("/", handle)
        server = await aiohttp_server(app)
        assert server.port is not None
        return server.port, handled

    return start


async def client_left() -> None:
    """Wait until the server cancels the handler, since its client has gone; then go on all the same."""
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()


@asynccontextmanager
async def asking(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def begins(writer: ClientWriter) -> None:
    await writer.start(200, HEADERS)


async def begins_and_writes(writer: ClientWriter) -> None:
    await begins(writer)
    await writer.write(b"one")


async def nothing(writer: ClientWriter) -> None:
    pass


def test_it_is_what_a_stream_calls_a_client() -> None:
    def takes(client: type[Client]) -> type[Client]:
        return client

    assert takes(ClientWriter) is ClientWriter


# The start


async def test_the_head_goes_out_before_the_first_byte_of_the_body(serve: Serve) -> None:
    may_end = asyncio.Event()

    async def part(writer: ClientWriter) -> None:
        await begins(writer)
        await may_end.wait()

    port, _ = await serve(part)
    async with asking(port) as (reader, _writer):
        assert (await head_of(reader)).startswith(b"HTTP/1.1 200 OK\r\n")
        may_end.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"0\r\n\r\n"


async def test_the_head_has_the_streams_headers_and_those_of_every_answer(serve: Serve) -> None:
    port, _ = await serve(begins)
    async with asking(port) as (reader, _writer):
        lines = (await head_of(reader)).decode().split("\r\n")
    assert {
        "Content-Type: text/event-stream", "X-Of-The-Stream: 1", "X-Of-The-Exchange: 2", "X-Request-Id: req_1",
        "Server: MonoRelay", "Transfer-Encoding: chunked",
    } <= set(lines)  # fmt: skip


async def test_the_head_has_the_status_that_it_is_given(serve: Serve) -> None:
    async def part(writer: ClientWriter) -> None:
        await writer.start(206, HEADERS)

    port, _ = await serve(part)
    async with asking(port) as (reader, _writer):
        assert (await head_of(reader)).startswith(b"HTTP/1.1 206 ")


async def test_anthropics_clients_find_the_request_id_under_their_name(serve: Serve) -> None:
    port, _ = await serve(begins, exchange=exchange_of(Dialect.MESSAGES))
    async with asking(port) as (reader, _writer):
        assert b"\r\nrequest-id: req_1\r\n" in await head_of(reader)


async def test_the_exchange_knows_that_the_answer_has_started(serve: Serve) -> None:
    port, handled = await serve(begins)
    assert handled.exchange.has_started is False
    async with asking(port) as (reader, _writer):
        await head_of(reader)
        await handled.returned.wait()
    assert handled.exchange.has_started is True


# The body


async def test_bytes_arrive_as_they_are_written_and_not_later(serve: Serve) -> None:
    seen = asyncio.Event()

    async def part(writer: ClientWriter) -> None:
        await begins_and_writes(writer)
        await seen.wait()
        await writer.write(b"two")
        await writer.finish()

    port, _ = await serve(part)
    async with asking(port) as (reader, _writer):
        await head_of(reader)
        assert await reader.readexactly(8) == b"3\r\none\r\n"
        seen.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_a_finished_answer_has_its_final_chunk_once_and_its_connection_serves_again(serve: Serve) -> None:
    async def part(writer: ClientWriter) -> None:
        await begins_and_writes(writer)
        await writer.finish()

    port, _ = await serve(part)
    async with asking(port) as (reader, writer):
        await head_of(reader)
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n0\r\n\r\n"
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await head_of(reader)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_write_waits_for_a_client_that_does_not_read(serve: Serve) -> None:
    block = bytes(1024 * 1024)

    async def part(writer: ClientWriter) -> None:
        await begins(writer)
        for _ in range(64):
            await writer.write(block)
        await writer.finish()

    port, handled = await serve(part)
    async with asking(port) as (reader, _writer):
        await head_of(reader)
        for _ in range(500):
            await asyncio.sleep(0)  # Turns of the loop for a server that would not wait.
        assert not handled.returned.is_set()
        await drained(reader)
        await handled.returned.wait()


async def drained(reader: asyncio.StreamReader) -> None:
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        tail = (tail + await reader.read(1024 * 1024))[-16:]


# Breaking off


@pytest.mark.parametrize(("part", "sent"), [(begins, b""), (begins_and_writes, b"3\r\none\r\n")])
async def test_an_aborted_answer_has_no_final_chunk_and_its_connection_ends(
    serve: Serve, part: Part, sent: bytes
) -> None:
    seen = asyncio.Event()

    async def breaks_off(writer: ClientWriter) -> None:
        await part(writer)
        await seen.wait()
        writer.abort()

    port, handled = await serve(breaks_off)
    async with asking(port) as (reader, _writer):
        await head_of(reader)
        assert await reader.readexactly(len(sent)) == sent
        seen.set()
        assert await reader.read() == b""
        await handled.returned.wait()


async def test_an_answer_may_be_aborted_twice(serve: Serve) -> None:
    async def part(writer: ClientWriter) -> None:
        await begins(writer)
        writer.abort()
        writer.abort()

    port, handled = await serve(part)
    async with asking(port) as (reader, _writer):
        await reader.read()
        await handled.returned.wait()
    assert handled.error is None


async def test_nothing_can_be_written_behind_an_abort(serve: Serve) -> None:
    async def part(writer: ClientWriter) -> None:
        await begins(writer)
        writer.abort()
        await writer.write(b"more")

    port, handled = await serve(part)
    async with asking(port) as (reader, _writer):
        assert b"more" not in await reader.read()
        await handled.returned.wait()
    assert isinstance(handled.error, ClientGone)


# A client that left


async def writes(writer: ClientWriter) -> None:
    await writer.write(b"two")


async def finishes(writer: ClientWriter) -> None:
    await writer.finish()


@pytest.mark.parametrize(
    ("before", "part"),
    [
        (nothing, begins),
        (begins, writes),
        (begins_and_writes, writes),
        (begins, finishes),
        (begins_and_writes, finishes),
    ],
)
async def test_a_client_that_left_is_told_to_whoever_goes_on(serve: Serve, before: Part, part: Part) -> None:
    port, handled = await serve(part, before=before)
    async with asking(port) as (reader, writer):
        if before is not nothing:
            await head_of(reader)
        writer.transport.abort()
        await handled.returned.wait()
    assert isinstance(handled.error, ClientGone)


async def test_a_client_that_left_may_be_broken_off(serve: Serve) -> None:
    async def part(writer: ClientWriter) -> None:
        writer.abort()

    port, handled = await serve(part, before=begins)
    async with asking(port) as (reader, writer):
        await head_of(reader)
        writer.transport.abort()
        await handled.returned.wait()
    assert handled.error is None
