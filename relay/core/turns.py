"""Waiting for a key (`key_selection.queue`), where none may be used and one may soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from relay.core.means import Clocks, Means
from relay.core.waiting_line import Place, WaitingLine
from relay.model import Target
from relay.upstream.keyring import Shortage


class Turns:
    """Those of one configuration; the lines outlive it."""

    def __init__(self, means: Means, clocks: Clocks, lines: dict[str, WaitingLine], queue_s: float) -> None:
        self._means = means
        self._clocks = clocks
        self._queue_s = queue_s
        """How long a call waits; 0: not at all."""
        self._lines = lines
        for name in means.providers:
            lines.setdefault(name, WaitingLine())
            means.meters.provider(name).on_ease = partial(_stir, lines)  # It outlives the configuration as well.

    async def turn(self, targets: Sequence[Target]) -> Place:
        """Return once a key may be had, or as soon as it is known that none can be had in time.

        Nobody behind it gets that key until the place is left: `with`, and `leave` once the key is taken.
        """
        if not self._queue_s:
            return WaitingLine().join()  # Nobody else stands there.
        with ExitStack() as unless_it_comes:
            place = unless_it_comes.enter_context(self._lines[targets[0].provider].join())
            await self._comes(place, targets)
            unless_it_comes.pop_all()
        return place

    async def _comes(self, place: Place, targets: Sequence[Target]) -> None:
        until_s = self._clocks.clock_s() + self._queue_s
        while (left_s := until_s - self._clocks.clock_s()) > 0:
            shortages = self._shortages(targets)
            if place.is_first and not shortages:
                return
            wait_s = _worth_waiting_s(shortages, left_s)
            if wait_s is None:
                return
            await place.wait(wait_s if place.is_first else left_s)

    def _shortages(self, targets: Sequence[Target]) -> list[Shortage]:
        return _serious([self._means.shortage(target, self._clocks.now()) for target in targets])


def _stir(lines: Mapping[str, WaitingLine]) -> None:
    """Something is free at a provider: a call that waits in the line of another one may go there as well."""
    for line in lines.values():
        line.stir()


def _serious(found: Sequence[Shortage | None]) -> list[Shortage]:
    """Those of all targets; none where one of them may be asked."""
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
