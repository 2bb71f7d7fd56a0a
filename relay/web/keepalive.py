"""Comments sent into the silence of an event stream, so that no proxy or client takes it for dead.

Before the first byte of the answer they spend the status (a failure then becomes an error event), so they begin later
there. A comment stands where an event may begin: only whole events go out.

    HTML Living Standard, 9.2 "Server-sent events": lines that begin with a colon are ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from multidict import CIMultiDict

from relay.errors import ClientGone
from relay.sweep import NEVER, Sweep
from relay.web.writer import ClientWriter

COMMENT = b": keepalive\n\n"
EARLY_HEADERS = CIMultiDict({
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
})  # fmt: skip
"""Of an answer that begins before anybody knows who gives it."""


@dataclass(frozen=True, slots=True)
class Silence:
    """How much of it is allowed, in seconds; NEVER: any."""

    first_s: float
    """Before the first byte of the answer."""
    later_s: float


class Keepalive:
    """Watches one stream's writer."""

    def __init__(self, writer: ClientWriter, silence: Silence, sweep: Sweep) -> None:
        self._writer = writer
        self._silence = silence
        self._sweep = sweep
        self._watch = sweep.watch(self._expire)
        self._watch.due_s = writer.last_write_s + silence.first_s
        self._sending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send comments while inside."""
        try:
            yield
        finally:
            await self.stop()

    async def answer_begins(self) -> None:
        """From here on the shorter silence holds, and the writer is the answer's."""
        self._watch.due_s = self._writer.last_write_s + self._silence.later_s
        await self._settle()

    async def stop(self) -> None:
        """No more comments."""
        self._sweep.release(self._watch)
        self._watch.due_s = NEVER
        await self._settle()

    async def _settle(self) -> None:
        if self._sending is not None:
            with suppress(ClientGone):  # Whoever writes next will find out.
                await self._sending
            self._sending = None

    def _expire(self) -> None:
        """The sweep found the moment passed at which a comment would be due, had nothing been sent meanwhile."""
        has_begun = self._writer.first_byte_s is not None
        silence_s = self._silence.later_s if has_begun or self._writer.has_started else self._silence.first_s
        due_s = self._writer.last_write_s + silence_s
        if due_s > self._sweep.clock_s():
            self._watch.due_s = due_s
        elif self._sending is None or self._sending.done():
            self._watch.due_s = self._sweep.clock_s() + self._silence.later_s
            self._sending = asyncio.create_task(self._send(), name="keepalive")

    async def _send(self) -> None:
        with suppress(ClientGone):
            await self._writer.start(200, EARLY_HEADERS)
            await self._writer.comment(COMMENT)
