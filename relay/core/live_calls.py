"""The calls that are under way, so that the end of the process can wait for them, and in the end cut them short."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

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
        """What a call runs in, until the last of it has been sent: `with`."""
        return CallScope(self)

    def entered(self, scope: CallScope) -> bool:
        """Called by the scope; whether all have been cut."""
        self._scopes.add(scope)
        self._are_over.clear()
        return self._are_cut

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
        """Interrupt every call; those that still come find themselves cut."""
        if self._scopes and not self._are_cut:
            log.warning("%d calls are cut short", len(self._scopes))
        self._are_cut = True
        for scope in self._scopes:
            scope.interrupt()


class CallScope:
    """One call while it is under way: `with`. Cutting it cancels its task, which then has to ask `is_cut_by`."""

    __slots__ = ("_cancelling", "_live", "_task", "is_cut")

    def __init__(self, live: LiveCalls) -> None:
        self._live = live
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.is_cut = False
        """It has been cut, or came when all were cut already: then nothing is cancelled, and it should not begin."""

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a call runs in a task")
        self._cancelling = self._task.cancelling()
        self.is_cut = self._live.entered(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.left(self)

    def is_cut_by(self, cancellation: asyncio.CancelledError) -> bool:
        """Whether a cancellation was the cut and nothing else, such as a client that left. Asked once."""
        return self.is_cut and self._task is not None and self._task.uncancel() <= self._cancelling

    def interrupt(self) -> None:
        """Cancel what runs inside."""
        if not self.is_cut and self._task is not None:
            self.is_cut = True
            self._task.cancel()
