"""Deadlines of what waits for the network, looked at together a few times a second.

A timer for each read has to be armed and disarmed at each read; a deadline here is an attribute that is set. Whoever
waits keeps a `Watch`, moves its `due_s` along, and is told once it has passed, at most `interval_s` late.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

INTERVAL_S = 0.25
NEVER = math.inf

log = logging.getLogger(__name__)


class Watch:
    """One deadline, and what happens when it has passed. `due_s` is on the sweep's clock; NEVER: nothing waits."""

    __slots__ = ("due_s", "expire")

    def __init__(self, expire: Callable[[], None]) -> None:
        self.due_s = NEVER
        self.expire = expire


class Sweep:
    """All watches of a process."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.clock_s = clock_s
        self._watches: set[Watch] = set()
        self._checks: list[Callable[[float], None]] = []

    def __len__(self) -> int:
        return len(self._watches)

    def watch(self, expire: Callable[[], None]) -> Watch:
        """A new watch, not yet due. `expire` must neither wait nor raise; it is called once for each passed `due_s`."""
        watch = Watch(expire)
        self._watches.add(watch)
        return watch

    def release(self, watch: Watch) -> None:
        """Forget a watch; may be called twice."""
        self._watches.discard(watch)

    def also(self, check: Callable[[float], None]) -> None:
        """Call `check(now_s)` at each tick as well: for what has more to look at than one moment."""
        self._checks.append(check)

    def tick(self) -> None:
        """Look at everything once."""
        now_s = self.clock_s()
        for watch in [watch for watch in self._watches if watch.due_s <= now_s]:
            if watch.due_s <= now_s and watch in self._watches:  # One that has just been told may have changed that.
                watch.due_s = NEVER
                watch.expire()
        for check in self._checks:
            check(now_s)


@asynccontextmanager
async def sweeping(sweep: Sweep, *, interval_s: float = INTERVAL_S) -> AsyncIterator[None]:
    """Tick until left."""
    task = asyncio.create_task(_tick_for_ever(sweep, interval_s), name="sweep")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _tick_for_ever(sweep: Sweep, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        sweep.tick()
