"""One exchange on a connection: the request goes out, the answer is waited for and pumped, each wait has its deadline.

Whoever waits does it in `_wait`; whatever happens on the connection ends that wait, and the loop round it looks at what
there is: first at bytes, then at the end, then at failures, so that nothing that arrived before a break is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from relay import faults
from relay.errors import UpstreamError
from relay.sweep import NEVER, Sweep
from relay.upstream.coding import Decoder, decoder_for
from relay.upstream.direct.link import Link
from relay.upstream.direct.pool import Pool
from relay.upstream.transport import Deadlines, Head, Sink

PIECE_BYTES = 256 * 1024
"""A larger body is written in pieces: all at once it would hold up the loop, and be copied where the kernel is full."""


class DirectCall:
    """An open call. `head` stands once `begin` has returned."""

    head: Head

    def __init__(self, link: Link, pool: Pool, deadlines: Deadlines, started_s: float, sweep: Sweep) -> None:
        self._link = link
        self._pool = pool
        self._sweep = sweep
        self._waiter: asyncio.Future[None] | None = None
        self._failure: UpstreamError | None = None
        self._decoder: Decoder
        self._pieces: Iterator[bytes] = iter(())
        self._first_byte_at_s = started_s + deadlines.connect_s + deadlines.first_byte_s
        self._idle_s = deadlines.idle_s
        self._ends_at_s = started_s + deadlines.total_s
        self._has_first_byte = False
        self._is_uploaded = True
        self.has_begun = False
        """The answer's head is there, and its body can be read."""
        self._is_over = False
        """The connection is no longer this call's."""
        link.serve(self)

    async def begin(self, head: bytes, body: bytes) -> None:
        """Send the request and wait for the answer's head. Raises UpstreamError."""
        link = self._link
        link.watch.due_s = min(self._first_byte_at_s, self._ends_at_s)
        if len(body) <= PIECE_BYTES:
            link.write(head + body)
        else:
            link.write(head)
            await self._upload(body)
        while (answer := link.parser.head) is None:
            await self._wait()
        link.watch.due_s = NEVER
        self.head = answer
        self._decoder = decoder_for(", ".join(answer.headers.getall("Content-Encoding", ())))
        self.has_begun = True

    async def _upload(self, body: bytes) -> None:
        link, view = self._link, memoryview(body)
        self._is_uploaded = False
        for start in range(0, len(body), PIECE_BYTES):
            while not link.can_write and link.parser.head is None:
                await self._wait()
            if link.parser.head is not None:
                return  # It has heard enough, as with a 413: the connection is of no use after this answer.
            link.write(bytes(view[start : start + PIECE_BYTES]))
        self._is_uploaded = True

    async def pump(self, sink: Sink, /) -> bool:
        """See UpstreamCall.pump."""
        while True:
            for piece in self._pieces:
                if not sink.feed(piece):
                    return False
            data = b"" if self._is_over else await self._read()
            if not data:
                return self._ended()
            self._pieces = self._decoder.decode(data)

    async def _read(self) -> bytes:
        """What has arrived, at least one byte; b"" at a clean end."""
        link, now_s = self._link, self._sweep.clock_s()
        if now_s >= self._ends_at_s:
            raise faults.total_timeout()  # Where data are waiting already, the sweep gets no chance to see it.
        due_s = now_s + self._idle_s if self._has_first_byte else self._first_byte_at_s
        while True:
            if data := link.take():
                self._has_first_byte = True
                return data
            if link.parser.is_complete:
                return b""
            link.watch.due_s = min(due_s, self._ends_at_s)  # What comes and is no body does not put it off.
            try:
                await self._wait()
            finally:
                link.watch.due_s = NEVER  # While the client is waited for, the provider may be as slow as it likes.

    def _ended(self) -> bool:
        """A clean end, as far as the connection goes."""
        self._let_go()
        if self._failure is not None:
            raise self._failure
        self._decoder.flush()
        return True

    async def _wait(self) -> None:
        """Until something happens. Raises UpstreamError once nothing more can."""
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def arrived(self) -> None:
        """See Served.arrived."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def failed(self, error: UpstreamError, /) -> None:
        """See Served.failed."""
        if self._failure is None:
            self._failure = error
        self.arrived()

    def expired(self) -> None:
        """See Served.expired."""
        self.failed(self._timed_out())

    def _timed_out(self) -> UpstreamError:
        if self._sweep.clock_s() >= self._ends_at_s:
            return faults.total_timeout()
        return faults.idle_timeout() if self._has_first_byte else faults.first_byte_timeout()

    def close(self) -> None:
        """See UpstreamCall.close."""
        if not self._is_over:
            if not self._link.parser.is_complete:
                self.failed(faults.disconnected())
            self._pieces = iter(())
            self._let_go()

    def _let_go(self) -> None:
        """Give the connection back where its answer is complete; else it is of no use to anybody."""
        if self._is_over:
            return
        self._is_over = True
        link = self._link
        link.release()
        if link.parser.is_reusable and self._is_uploaded and link.is_open:
            self._pool.put(link)
        else:
            link.abort()
