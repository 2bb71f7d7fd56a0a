"""The calls that are under way, so that the end of the process can wait for them, and in the end cut them short."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

log = logging.getLogger(__name__)


class LiveCalls:
    """A set of scopes, one a call."""

    def __init__(self) -> None:
        self._scopes: set[CallScope] = set()
        self._are_over = asyncio.Event()
        self._are_over.set()
        self._are_cut = False

    def __len__(self) -> int:
        return len(self._scopes)

    def scope(self) -> CallScope:
        """What a call runs in: `async with`. Raises TimeoutError where the end of the process cut it short."""
        return CallScope(self)

    def entered(self, scope: CallScope) -> None:
        """Called by the scope."""
        self._scopes.add(scope)
        self._are_over.clear()
        if self._are_cut:
            scope.interrupt()

    def left(self, scope: CallScope) -> None:
        """Called by the scope."""
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
        for scope in self._scopes:
            scope.interrupt()


class CallScope:
    """An `asyncio.timeout` whose deadline never comes by itself, and which is known to the set while it is entered."""

    __slots__ = ("_live", "_timeout")

    def __init__(self, live: LiveCalls) -> None:
        self._live = live
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._live.entered(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.left(self)
        await self._timeout.__aexit__(kind, error, trace)

    def interrupt(self) -> None:
        """Cancel what runs inside; from outside that is a TimeoutError."""
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())
