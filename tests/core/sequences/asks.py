"""A client's call, and the requests to providers that it turns into, as both are seen from outside the relay."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from relay.model import Target
from tests.core.sequences.facts import AliasFacts, Facts, KeyFacts, ProviderFacts
from tests.core.sequences.failures import Failure

Racer = asyncio.Task[Any]
"""Which of the two ways of a hedged call; the call's own task where it is not hedged."""


@dataclass(eq=False, slots=True)
class Call:
    """A client's."""

    number: int
    name: str
    """Of the model."""
    is_stream: bool
    facts: Facts
    """The configuration that it began with."""
    came_s: float = 0
    """On the course's clock."""
    asks: list[Ask] = field(default_factory=list)
    task: Racer | None = None
    has_come: bool = False
    """Its handler runs; a client that leaves before that has not been here."""
    has_waited: bool = False
    """In a line, for a key."""
    is_sleeping: bool = False
    """Between two attempts."""
    has_slept: bool = False
    has_first_byte: bool = False
    """The client has something of its answer."""
    is_finished: bool = False
    """The client has the end of it."""
    is_refused: bool = False
    """The relay has given it up."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where it may go."""
        return self.facts.targets(self.name)

    @property
    def alias(self) -> AliasFacts | None:
        """None: it names its provider."""
        return self.facts.aliases.get(self.name)

    @property
    def is_waiting(self) -> bool:
        """It goes on, and has not been anywhere."""
        return self.task is not None and not self.task.done() and not self.asks and not self.is_sleeping

    def way_of(self, racer: Racer) -> list[Ask]:
        """The requests of one of its two ways."""
        return [ask for ask in self.asks if ask.racer is racer]


@dataclass(eq=False, slots=True)
class Ask:
    """One request to a provider."""

    number: int
    call: Call
    racer: Racer
    target: Target
    key: KeyFacts | None
    """None: it came without a key."""
    is_fresh: bool
    """On a connection of its own."""
    within_s: float
    """For all of it."""
    sent_s: float
    failure: Failure | None = None
    """Before its answer began."""
    failed_s: float = 0
    is_repeatable: bool = True
    """When it failed, its key could still be used."""
    has_begun: bool = False
    """Its answer has, and is good so far."""
    is_broken: bool = False
    """Its answer, behind that."""
    is_closed: bool = False
    tokens: int = 0
    """Told so far."""
    else_at_first: frozenset[Target] = frozenset()
    """Where else its call could surely have gone, when it was sent."""
    elsewhere: frozenset[Target] = frozenset()
    """The same, when it failed."""

    @property
    def provider(self) -> ProviderFacts:
        """As its call knows it."""
        return self.call.facts.providers[self.target.provider]

    def __str__(self) -> str:
        label = "-" if self.key is None else f"{self.key.label}/{self.key.secret}"
        where = f"{self.target.model}@{self.target.provider} {label}{' fresh' if self.is_fresh else ''}"
        return f"request {self.number} of call {self.call.number} at {where}"
