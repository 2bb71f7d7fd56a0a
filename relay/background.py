"""Work that goes on beside something else, and ends with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

log = logging.getLogger(__name__)


@asynccontextmanager
async def running_beside(work: Coroutine[None, None, None], *, name: str) -> AsyncIterator[None]:
    """Run it while inside, and cancel it on leaving. What it fails with is told at once, and raised on leaving."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(tell_of_fault)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def tell_of_fault(task: asyncio.Task[None]) -> None:
    """The callback of a task that nobody waits for until the end."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.error("the work %r has ended", task.get_name(), exc_info=fault)
