"""Two calls for one answer: when the first is late, a second one is made, and whichever answers first is taken.

What is not taken is cancelled, and closed should it have answered in the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(
    first: Coroutine[Any, Any, T],
    second: Callable[[], Coroutine[Any, Any, T]],
    drop: Callable[[T], None],
    *,
    late_s: float,
) -> T:
    """The answer of the first, or of the second where that is quicker once the first is late.

    `drop` closes an answer that nobody takes. Raises the UpstreamError of the first where neither answers.
    """
    racers = [asyncio.create_task(first, name="first")]
    taken: asyncio.Task[T] | None = None
    try:
        done, _ = await asyncio.wait(racers, timeout=late_s)
        if not done:
            racers.append(asyncio.create_task(second(), name="hedge"))
        taken = await _winner(racers)
        return taken.result()
    finally:
        losers = [racer for racer in racers if racer is not taken]
        for loser in losers:
            loser.add_done_callback(lambda racer: _end(racer, drop))
            loser.cancel()
        if losers:
            await asyncio.wait(losers)


async def _winner(racers: list[asyncio.Task[T]]) -> asyncio.Task[T]:
    """The first that answers; where none does, the first one."""
    running = set(racers)
    while running:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        answered = [racer for racer in racers if racer in done and racer.exception() is None]
        if answered:
            return answered[0]
    return racers[0]


def _end(loser: asyncio.Task[T], drop: Callable[[T], None]) -> None:
    """A failure is looked at, and left: the attempts that made it have told of it."""
    if not loser.cancelled() and loser.exception() is None:
        drop(loser.result())
