"""Connections that are open, and those of them that wait for their next call."""

from __future__ import annotations

import asyncio

from relay.sweep import Sweep
from relay.upstream.direct.link import Link
from relay.upstream.direct.request import Origin

IDLE_S = 60.0
"""Shorter than the keep-alive of the large providers' front ends, so that it is the relay that closes first."""

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
        """A connection that is about to be opened."""
        return Link(origin, self, self._sweep, self._buffer)

    def opened(self, link: Link) -> None:
        """It is open."""
        self._links.add(link)

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

    async def close(self) -> None:
        """Close them all."""
        self._are_lost.clear()
        for link in self._links:
            link.abort()
        if self._links:
            await self._are_lost.wait()
