"""Connections that are open, and those of them that wait for their next call."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from relay.sweep import Sweep
from relay.upstream.direct.link import Link
from relay.upstream.direct.request import Origin

IDLE_S = 60.0
"""Shorter than the keep-alive of the large providers' front ends, so that it is the relay that closes first."""

MADE_ROOM = 16
"""So many are closed where the process has run out of descriptors."""
LOST_TURNS = 5
CLOSE_S = 1.0
"""How long the end waits for the event loop to tell that connections are closed."""
READ_BYTES = 64 * 1024
"""The most that one read takes."""


class Pool:
    """All connections of a transport. The one that came back last goes out first: the others may age and be closed."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._links: set[Link] = set()
        self._idle: dict[Origin, dict[Link, None]] = {}
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._are_lost = asyncio.Event()

    def __len__(self) -> int:
        return len(self._links)

    def new(self, origin: Origin) -> Link:
        """A connection that is about to be opened; `give_up` it where that fails."""
        link = Link(origin, self, self._sweep, self._buffer)
        self._links.add(link)
        return link

    def take(self, origin: Origin) -> Link | None:
        """One that waits; None where none does."""
        idle = self._idle.get(origin)
        while idle:
            link, _ = idle.popitem()
            if link.is_open:
                return link
        return None

    def put(self, link: Link) -> None:
        """Its answer has been taken to its end, and it may serve again."""
        self._idle.setdefault(link.origin, {})[link] = None
        link.watch.due_s = self._sweep.clock_s() + IDLE_S

    def lost(self, link: Link) -> None:
        """See Owner.lost."""
        self._links.discard(link)
        idle = self._idle.get(link.origin)
        if idle is not None:
            idle.pop(link, None)
            if not idle:
                del self._idle[link.origin]
        if not self._links:
            self._are_lost.set()

    async def make_room(self) -> bool:
        """Close some that wait, of whichever origin, those first that have waited longest; whether there were any."""
        waiting = sorted((link for idle in self._idle.values() for link in idle), key=lambda link: link.watch.due_s)
        chosen = waiting[:MADE_ROOM]
        for link in chosen:
            link.abort()
        for _ in range(LOST_TURNS):
            if not self._links.isdisjoint(chosen):
                await asyncio.sleep(0)  # The event loop closes a descriptor in a turn of its own.
        return bool(chosen)

    async def close(self) -> None:
        """Close them all."""
        self._are_lost.clear()
        for link in list(self._links):
            link.abort()
        if self._links:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._are_lost.wait()
        for link in list(self._links):
            link.give_up()
