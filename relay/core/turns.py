"""Waiting for a key (`key_selection.queue`), where none may be used and one may soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from relay.core.means import Clocks, Means
from relay.core.waiting_line import Place, WaitingLines
from relay.model import Target
from relay.per_call import record
from relay.upstream.keyring import Shortage


@record(frozen=True, slots=True)
class Turn:
    """A call that may go on."""

    place: Place
    """Nobody behind it gets its key until this is left: `with`, and `leave` once the key is taken."""
    targets: tuple[Target, ...]
    """Those of the call; where it waited for the key of one, or passed by those who wait for others, that one first."""


class Turns:
    """Those of one configuration; the lines outlive it."""

    def __init__(self, means: Means, clocks: Clocks, lines: WaitingLines, queue_s: float) -> None:
        self._means = means
        self._clocks = clocks
        self._queue_s = queue_s
        """How long a call waits; 0: not at all."""
        self._lines = lines
        for name in means.providers:  # Something is free there: a call in the line of another may go there as well.
            means.meters.provider(name).on_ease = lines.stir

    @property
    def are_taken(self) -> bool:
        """Whether calls wait at all."""
        return self._queue_s > 0

    async def turn(self, targets: tuple[Target, ...]) -> Turn:
        """Return once a key may be had, or as soon as it is known that none can be had in time."""
        names = dict.fromkeys(target.provider for target in targets)
        with ExitStack() as unless_it_comes:
            place = unless_it_comes.enter_context(Place(map(self._lines.of, names)))
            first = await self._comes(place, targets)
            unless_it_comes.pop_all()
        return Turn(place, targets if first is None else tuple(dict.fromkeys((first, *targets))))

    async def _comes(self, place: Place, targets: Sequence[Target]) -> Target | None:
        """The target at which its turn has come; None: it can't come in time."""
        until_s = self._clocks.clock_s() + self._queue_s
        while (left_s := until_s - self._clocks.clock_s()) > 0:
            shortages = {target: self._means.shortage(target, self._clocks.now()) for target in targets}
            free = [target for target, shortage in shortages.items() if shortage is None or shortage.is_over]
            first = next((target for target in free if self._lines.of(target.provider).first is place), None)
            if first is not None:
                return first
            wait_s = _worth_waiting_s([found for target, found in shortages.items() if target not in free], left_s)
            if wait_s is None:
                if not free:
                    return None
                wait_s = left_s  # Somebody else is first there, and will be quick.
            await place.wait(wait_s if place.is_first_somewhere else left_s)
        return None


def _worth_waiting_s(shortages: Iterable[Shortage | None], left_s: float) -> float | None:
    """How long to wait at most before another look; None: nothing will be free in time."""
    found = [shortage for shortage in shortages if shortage is not None]
    soonest_s = min((shortage.wait_s for shortage in found if shortage.wait_s is not None), default=None)
    if soonest_s is not None and soonest_s <= left_s:
        return soonest_s
    return left_s if any(shortage.is_busy for shortage in found) else None
