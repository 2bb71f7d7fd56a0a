"""The calls that are under way, so that the end of the process can wait for them, and in the end cut them short."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)


class LiveCalls:
    """A set of scopes, one a call."""

    def __init__(self) -> None:
        self._scopes: set[asyncio.Timeout] = set()
        self._are_over = asyncio.Event()
        self._are_over.set()
        self._are_cut = False

    def __len__(self) -> int:
        return len(self._scopes)

    @asynccontextmanager
    async def scope(self) -> AsyncIterator[asyncio.Timeout]:
        """What a call runs in. Raises TimeoutError where the end of the process cut it short."""
        async with asyncio.timeout(None) as scope:
            self._scopes.add(scope)
            self._are_over.clear()
            if self._are_cut:
                scope.reschedule(asyncio.get_running_loop().time())
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
                if not self._scopes:
                    self._are_over.set()

    async def over(self, patience_s: float) -> bool:
        """Wait until none is under way, at most so long; whether it came to that."""
        try:
            async with asyncio.timeout(patience_s):
                await self._are_over.wait()
        except TimeoutError:
            return False
        return True

    def cut(self) -> None:
        """Interrupt every call, and each that still comes: its scope raises TimeoutError."""
        if self._scopes and not self._are_cut:
            log.warning("%d calls are cut short", len(self._scopes))
        self._are_cut = True
        now_s = asyncio.get_running_loop().time()
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(now_s)
