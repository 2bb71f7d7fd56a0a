"""Waiting for a key (`key_selection.queue`), where none may be used and one may soon."""

from __future__ import annotations

from collections.abc import Sequence

from relay.core.means import Clocks, Means
from relay.model import Target
from relay.upstream.keyring import Shortage


async def turn(targets: Sequence[Target], means: Means, clocks: Clocks) -> None:
    """Return once a key may be had, or as soon as it is known that none can be had in time."""
    line = means.lines[targets[0].provider]
    if not len(line) and not _shortages(targets, means, clocks):
        return
    until_s = clocks.clock_s() + means.queue_s
    with line.place() as place:
        while (left_s := until_s - clocks.clock_s()) > 0:
            shortages = _shortages(targets, means, clocks)
            if place.is_first and not shortages:
                return
            wait_s = _worth_waiting_s(shortages, left_s)
            if wait_s is None:
                return
            await place.wait(wait_s if place.is_first else left_s)


def _shortages(targets: Sequence[Target], means: Means, clocks: Clocks) -> list[Shortage]:
    """Those of all targets; none where one of them may be asked."""
    now = clocks.now()
    found = [means.shortage(target, now) for target in targets]
    serious = [shortage for shortage in found if shortage is not None and not shortage.is_over]
    return serious if len(serious) == len(found) else []


def _worth_waiting_s(shortages: Sequence[Shortage], left_s: float) -> float | None:
    """How long to wait at most before another look; None: nothing will be free in time."""
    if not shortages:
        return left_s
    soonest_s = min((shortage.wait_s for shortage in shortages if shortage.wait_s is not None), default=None)
    if soonest_s is not None and soonest_s <= left_s:
        return soonest_s
    return left_s if any(shortage.is_busy for shortage in shortages) else None
