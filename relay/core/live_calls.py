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
        """What a call runs in: `with`. Raises TimeoutError where the end of the process cut it short."""
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
    """An `asyncio.timeout` that has no timer and costs no coroutines: what runs inside is cancelled from outside."""

    __slots__ = ("_cancelling", "_is_cut", "_live", "_task")

    def __init__(self, live: LiveCalls) -> None:
        self._live = live
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_cut = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a call runs in a task")
        self._cancelling = self._task.cancelling()
        self._live.entered(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.left(self)
        if not self._is_cut or self._task is None:
            return
        is_alone = self._task.uncancel() <= self._cancelling  # Else its client has left as well, say.
        if is_alone and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def interrupt(self) -> None:
        """Cancel what runs inside; from outside that is a TimeoutError."""
        if not self._is_cut and self._task is not None:
            self._is_cut = True
            self._task.cancel()
