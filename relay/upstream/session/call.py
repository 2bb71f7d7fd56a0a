"""The transport over aiohttp's ClientSession, and the one place where its exceptions become ours.

Each wait has a deadline of our own, since a malformed chunk makes aiohttp's body reader wait for ever without its
`sock_read` firing (aiohttp 3.14.5): one timer up to the head, and the sweep for the reads of the body, which are too
many for a timer each.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache

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
from multidict import CIMultiDict
from yarl import URL

from relay import faults
from relay.errors import UpstreamError
from relay.sweep import NEVER, Sweep
from relay.upstream.coding import Decoder, decoder_for
from relay.upstream.session.sessions import Sessions
from relay.upstream.transport import Connection, Deadlines, Head, Sink, UpstreamRequest

PIECE_BYTES = 256 * 1024


class SessionTransport:
    """Sends calls through the process's ClientSessions."""

    def __init__(self, sessions: Sessions, sweep: Sweep) -> None:
        self._sessions = sessions
        self._sweep = sweep

    async def send(self, request: UpstreamRequest, /) -> SessionCall:
        """See Transport.send."""
        fresh = request.connection is Connection.FRESH
        session = self._sessions.fresh if fresh else self._sessions.pooled
        deadlines = request.deadlines
        started_s = self._sweep.clock_s()
        wait_s = deadlines.connect_s + deadlines.first_byte_s
        try:
            async with asyncio.timeout(min(wait_s, deadlines.total_s)):
                response = await session.request(
                    request.method,
                    URL(request.url, encoded=True),
                    headers=_headers(request),
                    data=_payload(request),
                    allow_redirects=False,
                    timeout=_connecting_within(deadlines.connect_s),
                    proxy=request.proxy or None,
                )
        except (ClientError, ConnectionError, TimeoutError) as error:
            raise _before_head(error, is_total=deadlines.total_s < wait_s) from error
        except UnicodeError as error:  # A name that no resolver can be asked for.
            raise faults.unreachable() from error
        try:
            decoder = decoder_for(", ".join(response.headers.getall("Content-Encoding", ())))
        except UpstreamError:
            response.close()
            raise
        return SessionCall(response, decoder, deadlines, started_s, self._sweep)


def _payload(request: UpstreamRequest) -> bytes | AsyncIterator[bytes]:
    """The body as aiohttp takes it best: a large one in pieces, since written at once it holds up the loop."""
    if len(request.body) <= PIECE_BYTES:
        return request.body
    return _in_pieces(request.body)


def _headers(request: UpstreamRequest) -> CIMultiDict[str]:
    """With the length of a body in pieces, which aiohttp can't know."""
    headers = request.headers.fields.copy()
    if len(request.body) > PIECE_BYTES:
        headers["Content-Length"] = str(len(request.body))
    return headers


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), PIECE_BYTES):
        yield bytes(view[start : start + PIECE_BYTES])


class SessionCall:
    """One open answer."""

    def __init__(
        self, response: ClientResponse, decoder: Decoder, deadlines: Deadlines, started_s: float, sweep: Sweep
    ) -> None:
        self._response = response
        self._decoder = decoder
        self._sweep = sweep
        self._watch = sweep.watch(self._expire)
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
            content = self._response.content
            data = b"" if content.at_eof() and content.exception() is None else await self._read()
            if not data:
                self._decoder.flush()
                return True
            self._pieces = self._decoder.decode(data)

    async def _read(self) -> bytes:
        """What has arrived, at least one byte; b"" at a clean end."""
        now_s = self._sweep.clock_s()
        if now_s >= self._ends_at_s:
            raise faults.total_timeout()  # Where data are waiting already, the sweep gets no chance to see it.
        due_s = now_s + self._idle_s if self._has_first_byte else self._first_byte_at_s
        watch = self._watch
        watch.due_s = min(due_s, self._ends_at_s)
        try:
            data = await self._response.content.readany()
        except (ClientError, ConnectionError) as error:
            raise _broken_body(error) from error
        finally:
            watch.due_s = NEVER  # While the client is waited for, the provider may be as slow as it likes.
        self._has_first_byte = True
        return data

    def _expire(self) -> None:
        """The sweep found the deadline passed: the pending read raises."""
        self._response.content.set_exception(self._timed_out())

    def _timed_out(self) -> UpstreamError:
        if self._sweep.clock_s() >= self._ends_at_s:
            return faults.total_timeout()
        connection = self._response.connection
        if connection is not None and connection.closed:
            return faults.protocol()  # Malformed: aiohttp dropped the connection and would wait for more of it.
        return faults.idle_timeout() if self._has_first_byte else faults.first_byte_timeout()

    def close(self) -> None:
        """See UpstreamCall.close. A connection whose answer was read to its end is already back in the pool."""
        self._sweep.release(self._watch)
        self._response.close()


@lru_cache(64)
def _connecting_within(connect_s: float) -> ClientTimeout:
    return ClientTimeout(total=None, connect=connect_s)


def _before_head(error: ClientError | ConnectionError | TimeoutError, *, is_total: bool) -> UpstreamError:
    """What kept the head from coming; `is_total` says which deadline ours was."""
    if isinstance(error, ConnectionTimeoutError):
        return faults.connect_timeout()
    if isinstance(error, ClientConnectorError):
        is_ours = error.os_error.errno in (errno.EMFILE, errno.ENFILE)
        return faults.out_of_descriptors() if is_ours else faults.unreachable()
    if isinstance(error, TimeoutError):
        return faults.total_timeout() if is_total else faults.first_byte_timeout()
    if isinstance(error, ServerDisconnectedError | ClientOSError | ConnectionError):
        return faults.closed_before_head()
    return faults.protocol()


def _broken_body(error: ClientError | ConnectionError) -> UpstreamError:
    if isinstance(error, ClientPayloadError | ServerDisconnectedError | ClientOSError | ConnectionError):
        return faults.disconnected()
    return faults.protocol()
