"""The transport over aiohttp's ClientSession, and the one place where its exceptions become ours.

Each wait has a deadline of our own (`asyncio.timeout`), since a malformed chunk makes aiohttp's body reader wait for
ever without its `sock_read` firing (aiohttp 3.14.5).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientTimeout,
    ConnectionTimeoutError,
    ServerDisconnectedError,
)

from relay import faults
from relay.errors import UpstreamError
from relay.upstream.coding import Decoder, decoder_for
from relay.upstream.session import Sessions
from relay.upstream.transport import Connection, Deadlines, Head, Sink, UpstreamRequest

PIECE_BYTES = 256 * 1024


class SessionTransport:
    """Sends calls through the process's ClientSessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def send(self, request: UpstreamRequest, /) -> SessionCall:
        """See Transport.send."""
        fresh = request.connection is Connection.FRESH
        session = self._sessions.fresh if fresh else self._sessions.pooled
        deadlines = request.deadlines
        started_s = asyncio.get_running_loop().time()
        wait_s = deadlines.connect_s + deadlines.first_byte_s
        with _mapped_before_head(faults.total_timeout if deadlines.total_s < wait_s else faults.first_byte_timeout):
            async with asyncio.timeout(min(wait_s, deadlines.total_s)):
                response = await session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=_payload(request),
                    allow_redirects=False,
                    timeout=ClientTimeout(total=None, connect=deadlines.connect_s),
                )
        try:
            decoder = decoder_for(", ".join(response.headers.getall("Content-Encoding", ())))
        except UpstreamError:
            response.close()
            raise
        return SessionCall(response, decoder, deadlines, started_s)


def _payload(request: UpstreamRequest) -> bytes | AsyncIterator[bytes]:
    """The body as aiohttp takes it best: a large one in pieces, since written at once it holds up the loop."""
    if len(request.body) <= PIECE_BYTES:
        return request.body
    request.headers["Content-Length"] = str(len(request.body))
    return _in_pieces(request.body)


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), PIECE_BYTES):
        yield bytes(view[start : start + PIECE_BYTES])


class SessionCall:
    """One open answer."""

    def __init__(self, response: ClientResponse, decoder: Decoder, deadlines: Deadlines, started_s: float) -> None:
        self._response = response
        self._decoder = decoder
        self._pieces: Iterator[bytes] = iter(())
        self._first_byte_at_s = started_s + deadlines.connect_s + deadlines.first_byte_s
        self._idle_s = deadlines.idle_s
        self._ends_at_s = started_s + deadlines.total_s
        self._has_first_byte = False
        self.head = Head(response.status, response.headers)

    async def pump(self, sink: Sink, /) -> bool:
        """See UpstreamCall.pump."""
        while True:
            for piece in self._pieces:
                if not sink.feed(piece):
                    return False
            data = await self._read()
            if not data:
                self._decoder.flush()
                return True
            self._pieces = self._decoder.decode(data)

    async def _read(self) -> bytes:
        """What has arrived, at least one byte; b"" at a clean end."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._ends_at_s:
            raise faults.total_timeout()  # Where data are waiting already, no timer gets a chance to fire.
        wait_until_s = now_s + self._idle_s if self._has_first_byte else self._first_byte_at_s
        try:
            with _mapped_in_body():
                async with asyncio.timeout_at(min(wait_until_s, self._ends_at_s)):
                    data = await self._response.content.readany()
        except TimeoutError as error:
            raise self._timed_out(wait_until_s) from error
        self._has_first_byte = True
        return data

    def _timed_out(self, wait_until_s: float) -> UpstreamError:
        if self._ends_at_s <= wait_until_s:
            return faults.total_timeout()
        connection = self._response.connection
        if connection is not None and connection.closed:
            return faults.protocol()  # Malformed: aiohttp dropped the connection and would wait for more of it.
        return faults.idle_timeout() if self._has_first_byte else faults.first_byte_timeout()

    def close(self) -> None:
        """See UpstreamCall.close. A connection whose answer was read to its end is already back in the pool."""
        self._response.close()


@contextmanager
def _mapped_before_head(timed_out: Callable[[], UpstreamError]) -> Iterator[None]:
    """`timed_out` makes the error for the deadline of the whole wait."""
    try:
        yield
    except ConnectionTimeoutError as error:
        raise faults.connect_timeout() from error
    except ClientConnectorError as error:
        raise faults.unreachable() from error
    except TimeoutError as error:
        raise timed_out() from error
    except (ServerDisconnectedError, ClientOSError, ConnectionError) as error:
        raise faults.closed_before_head() from error
    except ClientError as error:
        raise faults.protocol() from error


@contextmanager
def _mapped_in_body() -> Iterator[None]:
    try:
        yield
    except (ClientPayloadError, ServerDisconnectedError, ClientOSError, ConnectionError) as error:
        raise faults.disconnected() from error
    except ClientError as error:
        raise faults.protocol() from error
