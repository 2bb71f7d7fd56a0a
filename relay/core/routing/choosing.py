"""From a plan to its targets in order, by what holds at this moment: a function a strategy. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    is_due: Callable[[Target], bool]
    """Whether one that was not measured lately may be tried for it: by one call at a time, and not by all."""
    grade: Callable[[], Grade]
    """Of the prompt; asked only where it counts."""


def in_order(plan: Plan, circumstances: Circumstances) -> tuple[Target, ...]:
    """All targets of the plan, each once, the one to try first in front."""
    if not plan.has_choice:
        return plan.targets
    return tuple(dict.fromkeys(_flattened(plan.root, circumstances, set())))


def _flattened(node: Node, circumstances: Circumstances, met: set[int]) -> Iterator[Target]:
    """What was met before has given all its targets already."""
    if isinstance(node, Target):
        yield node
    elif id(node) not in met:
        met.add(id(node))
        for member in _members(node, circumstances):
            yield from _flattened(member, circumstances, met)


def _members(node: Group | Graded, circumstances: Circumstances) -> Iterable[Node]:
    if isinstance(node, Graded):
        return _graded(node, circumstances.grade())
    return [node.members[place] for place in _ORDERS[node.strategy](node, circumstances)]


def _graded(node: Graded, grade: Grade) -> list[Node]:
    """The one for the grade, then the stronger ones, then the weaker: rather too good an answer than none."""
    by_strength = [node.simple, node.moderate, node.complex]
    place = [Grade.SIMPLE, Grade.MODERATE, Grade.COMPLEX].index(grade)
    ordered = [*by_strength[place:], *reversed(by_strength[:place])]
    return [member for member in ordered if member is not None]


def _as_written(group: Group, circumstances: Circumstances) -> list[int]:
    return list(range(len(group.members)))


def _by_weight(group: Group, circumstances: Circumstances) -> list[int]:
    """One by chance, then the others; those without a weight only where no other is left."""
    weights = group.weights or (1,) * len(group.members)
    order = sorted(range(len(weights)), key=lambda place: weights[place] == 0)
    return _with_first(order, _drawn(weights, circumstances.random()))


def _drawn(weights: Sequence[int], chance: float) -> int | None:
    """None: all weights are 0."""
    mark = chance * sum(weights)
    for place, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return place
    return None


def _least_busy(group: Group, circumstances: Circumstances) -> list[int]:
    busy = [sum(circumstances.busy(target) for target in targets_of(member)) for member in group.members]
    return _with_first(_as_written(group, circumstances), _place_of_least(busy))


def _fastest(group: Group, circumstances: Circumstances) -> list[int]:
    """What has not been measured lately is measured first: else the fastest of yesterday stays it for ever."""
    firsts = [next(targets_of(member)) for member in group.members]
    speeds = [_speed(target, circumstances) for target in firsts]
    return _with_first(_as_written(group, circumstances), _place_of_least(speeds))


def _speed(target: Target, circumstances: Circumstances) -> float:
    known_s = circumstances.first_token_s(target)
    if known_s is not None:
        return known_s
    return -1.0 if circumstances.is_due(target) else math.inf


def _place_of_least(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


def _with_first(order: list[int], first: int | None) -> list[int]:
    return order if first is None else [first, *(place for place in order if place != first)]


_ORDERS: Mapping[Strategy, Callable[[Group, Circumstances], list[int]]] = {
    Strategy.ORDER: _as_written,
    Strategy.WEIGHTED: _by_weight,
    Strategy.LEAST_BUSY: _least_busy,
    Strategy.FASTEST: _fastest,
}
