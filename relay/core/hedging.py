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
        winner = await _winner(racers)
        await _ended([racer for racer in racers if racer is not winner])
        taken = winner  # Not before: whoever leaves while the other one ends takes nothing.
        return winner.result()
    finally:
        losers = [racer for racer in racers if racer is not taken]
        try:
            await _ended(losers)
        finally:
            for loser in losers:
                _leave(loser, drop)


async def _winner(racers: list[asyncio.Task[T]]) -> asyncio.Task[T]:
    """The first that answers; where none does, the first one."""
    running = set(racers)
    while running:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        answered = [racer for racer in racers if racer in done and racer.exception() is None]
        if answered:
            return answered[0]
    return racers[0]


async def _ended(racers: list[asyncio.Task[T]]) -> None:
    """Cancel them and wait for their end, which comes at once: a caller that is cancelled meanwhile is so behind it."""
    for racer in racers:
        racer.cancel()
    interruption: asyncio.CancelledError | None = None
    while running := [racer for racer in racers if not racer.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as cancellation:
            interruption = cancellation
    if interruption is not None:
        raise interruption


def _leave(loser: asyncio.Task[T], drop: Callable[[T], None]) -> None:
    """A failure is looked at, and left: the attempts that made it have told of it."""
    if not loser.cancelled() and loser.exception() is None:
        drop(loser.result())
