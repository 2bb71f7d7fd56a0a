"""From a plan to its targets in order, by what holds at this moment: a function a strategy. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from relay.core.routing.grading import Grade
from relay.core.routing.tree import Graded, Group, Node, Plan, Strategy, targets_of
from relay.model import Target


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a choice may depend on."""

    random: Callable[[], float]
    """Below 1."""
    busy: Callable[[Target], int]
    """Calls under way there."""
    first_token_s: Callable[[Target], float | None]
    """Lately; None: not measured lately."""
    grade: Callable[[], Grade]
    """Of the prompt; asked only where it counts."""


def in_order(plan: Plan, circumstances: Circumstances) -> tuple[Target, ...]:
    """All targets of the plan, each once, the one to try first in front."""
    if not plan.has_choice:
        return plan.targets
    return tuple(dict.fromkeys(_flattened(plan.root, circumstances)))


def _flattened(node: Node, circumstances: Circumstances) -> Iterator[Target]:
    match node:
        case Target():
            yield node
        case Group():
            first = _CHOICES[node.strategy](node, circumstances) if len(node.members) > 1 else 0
            for place in (first, *(place for place in range(len(node.members)) if place != first)):
                yield from _flattened(node.members[place], circumstances)
        case Graded():
            for member in _graded(node, circumstances.grade()):
                yield from _flattened(member, circumstances)


def _graded(node: Graded, grade: Grade) -> list[Node]:
    """The one for the grade, then the stronger ones, then the weaker: rather too good an answer than none."""
    by_strength = [node.simple, node.moderate, node.complex]
    place = [Grade.SIMPLE, Grade.MODERATE, Grade.COMPLEX].index(grade)
    ordered = [*by_strength[place:], *reversed(by_strength[:place])]
    return [member for member in ordered if member is not None]


def _first(group: Group, circumstances: Circumstances) -> int:
    return 0


def _by_weight(group: Group, circumstances: Circumstances) -> int:
    """A weight of 0 is never first while there is another."""
    weights = group.weights or (1,) * len(group.members)
    mark = circumstances.random() * sum(weights)
    for place, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return place
    return 0  # All weights are 0.


def _least_busy(group: Group, circumstances: Circumstances) -> int:
    busy = [sum(circumstances.busy(target) for target in targets_of(member)) for member in group.members]
    return _place_of_least(busy)


def _fastest(group: Group, circumstances: Circumstances) -> int:
    """What has not been measured lately is measured first: else the fastest of yesterday stays it for ever."""
    speeds = [circumstances.first_token_s(next(targets_of(member))) for member in group.members]
    return _place_of_least([-1.0 if speed is None else speed for speed in speeds])


def _place_of_least(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


_CHOICES: Mapping[Strategy, Callable[[Group, Circumstances], int]] = {
    Strategy.ORDER: _first,
    Strategy.WEIGHTED: _by_weight,
    Strategy.LEAST_BUSY: _least_busy,
    Strategy.FASTEST: _fastest,
}
