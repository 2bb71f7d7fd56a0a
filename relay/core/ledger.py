"""The books: records of calls go in at once and out in batches, off the way of any call.

`record` is a plain call, so that nothing can cancel it. One writer takes all that has come and hands it on; what can't
be stored is kept and tried again, up to a bound at which the relay takes no more calls instead of losing their records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from relay.errors import Overloaded, StoreError
from relay.model import CallRecord

BATCH_S = 0.05
"""How long records are gathered: what a crash of the process can cost."""
MAX_BATCH = 500
"""Rows in one transaction, so that none takes long."""
MAX_WAITING = 50_000
"""Records in memory while the store takes none: about 64 MiB."""
RETRY_S = 1.0

log = logging.getLogger(__name__)


class Store(Protocol):
    """Where records are kept."""

    async def add(self, records: Sequence[CallRecord], /) -> None:
        """Keep them, each once however often it comes. Raises StoreError, having kept none."""
        ...


class Ledger:
    """Takes records; `keeping` runs its writer."""

    def __init__(self, store: Store, tell: Callable[[Sequence[CallRecord]], None], *, batch_s: float = BATCH_S) -> None:
        self._store = store
        self._tell = tell
        self._batch_s = batch_s
        self._waiting: list[CallRecord] = []
        self._came = asyncio.Event()
        self._is_closing = False

    def record(self, record: CallRecord) -> None:
        """Take one. Never waits, never fails."""
        self._waiting.append(record)
        self._came.set()

    def assert_room(self) -> None:
        """Raises Overloaded while the store has taken nothing for so long that another record could be lost."""
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded("calls can't be recorded at the moment", retry_after_s=10)

    @property
    def waiting(self) -> int:
        """How many records are not stored yet."""
        return len(self._waiting)

    @property
    def oldest(self) -> CallRecord | None:
        """The record that has waited longest; None where all are stored."""
        return self._waiting[0] if self._waiting else None

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Write until left, and then whatever is left to write."""
        task = asyncio.create_task(self._write_for_ever(), name="ledger")
        try:
            yield
        finally:
            self._is_closing = True
            self._came.set()
            await task

    async def _write_for_ever(self) -> None:
        while not self._is_closing or self._waiting:
            await self._came.wait()
            if not self._is_closing:
                await asyncio.sleep(self._batch_s)
                self._came.clear()
            while self._waiting:
                await self._write(self._waiting[:MAX_BATCH])

    async def _write(self, batch: list[CallRecord]) -> None:
        try:
            await self._store.add(batch)
        except StoreError as error:
            await self._not_stored(error)
        else:
            del self._waiting[: len(batch)]
            self._tell(batch)

    async def _not_stored(self, error: StoreError) -> None:
        """Try again, or at the very end put what can't be stored into the log, where it is not lost at least."""
        what = "can't be stored, and are in the log alone (if log_level is INFO)" if self._is_closing else "wait"
        log.warning("%d records of calls %s: %s", len(self._waiting), what, error)
        if self._is_closing:
            self._tell(self._waiting)
            self._waiting.clear()
        else:
            await asyncio.sleep(RETRY_S)
