"""An upstream that does what a script says, byte by byte, on a raw socket: it can lie, stall, cut and die.

    async def script(request, out): ...     # called once for each request that arrives whole

`request` is what was received; `out` writes. A script that returns leaves the connection open for the next request
unless it closed or aborted it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Out:
    """The script's side of the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def peer(self) -> object:
        """Whose connection this is: an address."""
        return self._writer.get_extra_info("peername")

    async def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> None:
        """A status line and headers, ended."""
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers)]
        await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one ends it."""
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def abort(self) -> None:
        """Reset the connection: RST, not FIN."""
        now = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close the connection in an orderly way."""
        self._writer.close()

    async def peer_left(self) -> None:
        """Wait until the other side has closed or reset the connection; what it still sends is dropped."""
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass


Script = Callable[[Received, Out], Awaitable[None]]


@dataclass
class ScriptedUpstream:
    """A running one."""

    port: int
    script: Script
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its root, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def scripted_upstream(script: Script) -> AsyncIterator[ScriptedUpstream]:
    """Serve until left; open connections are then aborted."""
    writers: set[asyncio.StreamWriter] = set()
    running: set[asyncio.Task[None] | None] = set()
    upstream = ScriptedUpstream(0, script)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        running.add(asyncio.current_task())
        upstream.connections += 1
        try:
            while not writer.is_closing():
                request = await _read(reader)
                upstream.received.append(request)
                await upstream.script(request, Out(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The relay hung up: that is its right.
        except asyncio.CancelledError:
            pass  # The test is over; asyncio's streams would report the cancelled handler as an error.
        finally:
            writers.discard(writer)
            running.discard(asyncio.current_task())
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=32 * 1024 * 1024)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        for task in filter(None, running):
            task.cancel()  # A script that waits for ever ends with its upstream.
        await asyncio.wait_for(server.wait_closed(), 10)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(method, target, headers, await reader.readexactly(length))


def answers(
    status: int,
    body: bytes,
    headers: Sequence[tuple[str, str]] = (("Content-Type", "application/json"),),
) -> Script:
    """A whole answer with its length."""

    async def script(request: Received, out: Out) -> None:
        await out.head(status, [*headers, ("Content-Length", str(len(body)))])
        await out.raw(body)

    return script


def streams(
    pieces: Sequence[bytes],
    headers: Sequence[tuple[str, str]] = (("Content-Type", "text/event-stream"),),
) -> Script:
    """A chunked answer, a chunk and a write for each piece, ended cleanly."""

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [*headers, ("Transfer-Encoding", "chunked")])
        for piece in pieces:
            if piece:
                await out.chunk(piece)
                await asyncio.sleep(0)
        await out.chunk(b"")

    return script


def in_turn(*scripts: Script) -> Script:
    """The first request gets the first script, the next the next; the last one goes on for ever."""
    left = list(scripts)

    async def script(request: Received, out: Out) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        await chosen(request, out)

    return script


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in pieces, cut at the given offsets."""
    offsets = [0, *sorted(place for place in set(places) if 0 < place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(offsets)]
