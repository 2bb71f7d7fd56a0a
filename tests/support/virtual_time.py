"""An event loop whose time stands still while anybody has something to do, and then jumps to the next timer.

A day takes no time, and everything happens in the same order each time. Only for what speaks to no socket.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Mapping
from typing import Any

_PER_S = 1_000_000
"""Time is counted in whole microseconds, as `datetime` counts it; a timer is never early."""


class _Patience(selectors.SelectSelector):
    """What the loop waits in; nothing ever comes but the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = 0
        self.waiting: list[asyncio.Future[None]] = []
        """Those who want to know when there is nothing left to do."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return []
        if self.waiting:
            waiter = self.waiting.pop()
            if not waiter.done():
                waiter.set_result(None)
        elif timeout is None:
            raise AssertionError("everybody waits, and for nothing that will ever come")
        else:
            self.now_us += math.ceil(timeout * _PER_S)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s."""

    def __init__(self) -> None:
        self._patience = _Patience()
        self.unforeseen: list[Mapping[str, Any]] = []
        """What asyncio would have logged: exceptions that nobody looked at, and such."""
        super().__init__(self._patience)
        self.set_exception_handler(lambda _, context: self.unforeseen.append(context))

    def time(self) -> float:
        return self._patience.now_us / _PER_S

    async def settled(self) -> None:
        """Return once all others wait for a timer, or for the caller."""
        waiter = self.create_future()
        self._patience.waiting.append(waiter)
        await waiter
