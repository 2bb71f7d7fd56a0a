"""A plan: the targets of a name, and the groups of them among which each call chooses anew."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from relay.core.routing.needs import Capability
from relay.model import Target


class Strategy(enum.StrEnum):
    """Which member of a group goes first; the others are its fallbacks."""

    ORDER = "order"
    """As the file has them."""
    WEIGHTED = "weighted"
    """By chance, as often as the weights say."""
    LEAST_BUSY = "least-busy"
    """The fewest calls under way."""
    FASTEST = "fastest"
    """The shortest time to the first token, lately."""


@dataclass(frozen=True, slots=True)
class Group:
    """Several, in the order of the file."""

    members: tuple[Node, ...]
    strategy: Strategy = Strategy.ORDER
    weights: tuple[int, ...] = ()
    """Of `weighted`: one for each member."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One of three, by how hard the prompt looks; None: the configuration names none."""

    simple: Node | None
    moderate: Node | None
    complex: Node | None


Node: TypeAlias = Target | Group | Graded


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from a name to targets, for people to read."""

    step: str
    """`suffix`, `alias`, `mapping`, `override`, `complexity`, `cascade`, `detection`, `default`, `fallback`,
    `affinity`, `passed over`."""
    result: str
    """Names or providers; empty: nothing came of it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a name stands for in one dialect."""

    root: Node
    hedge_percentile: int | None = None
    """Of the first-token time, after which a second target is asked as well; None: never."""
    has_choice: bool = False
    """The order depends on the moment."""
    is_graded: bool = False
    """What was asked for depends on the prompt, so that a conversation may have to move; fallbacks do not count."""
    limits: Mapping[Target, Capability] = field(default_factory=dict)
    """Of the targets that are known not to take everything."""
    targets: tuple[Target, ...] = ()
    """All of them, each once, as the file has them."""


def members_of(node: Node) -> tuple[Node, ...]:
    """What stands in it, as the file has it; of a graded one the simplest first."""
    match node:
        case Target():
            return ()
        case Group():
            return node.members
        case Graded():
            return tuple(grade for grade in (node.simple, node.moderate, node.complex) if grade is not None)


def nodes_of(node: Node) -> Iterator[Node]:
    """It and all that stands in it, in order; what is met on several ways, once."""
    met: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) not in met:
            met.add(id(one))
            yield one
            waiting += reversed(members_of(one))


def targets_of(node: Node) -> Iterator[Target]:
    """All targets, as the file has them."""
    return (one for one in nodes_of(node) if isinstance(one, Target))
