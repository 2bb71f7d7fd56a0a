"""What is measured: the scenarios, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CLOSING_EVENTS = 3  # After a stream's deltas: the finish, the usage, [DONE].


class Unit(StrEnum):
    """What CPU time is divided by."""

    CALL = "call"
    CHUNK = "chunk"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of load."""

    name: str
    unit: Unit
    connections: int
    calls: int
    events: int = 100  # Deltas in a stream,
    interval_us: int = 0  # and the time between two; 0: as fast as they are taken.
    event_bytes: int = 200
    burst: int = 1  # Events in one write of the upstream, where they aren't paced.

    @property
    def mode(self) -> str:
        """What the load generator calls it."""
        return "plain" if self.unit is Unit.CALL else "stream"

    @property
    def expected_events(self) -> int:
        """What all calls together must bring."""
        return 0 if self.unit is Unit.CALL else self.calls * (self.events + CLOSING_EVENTS)

    @property
    def units(self) -> int:
        """Calls or chunks in all."""
        return self.calls if self.unit is Unit.CALL else self.expected_events


FULL = (
    Scenario("plain", Unit.CALL, connections=16, calls=20_000),
    Scenario("paced", Unit.CHUNK, connections=200, calls=600, interval_us=20_000),
    Scenario("unpaced", Unit.CHUNK, connections=16, calls=1_000, events=1_000),
    Scenario("bursts", Unit.CHUNK, connections=16, calls=1_000, events=1_000, burst=16),
)
QUICK = (
    Scenario("plain", Unit.CALL, connections=16, calls=500),
    Scenario("paced", Unit.CHUNK, connections=50, calls=50, events=25, interval_us=20_000),
    Scenario("unpaced", Unit.CHUNK, connections=16, calls=32, events=1_000),
    Scenario("bursts", Unit.CHUNK, connections=16, calls=32, events=1_000, burst=16),
)
WARM_UP = Scenario("warm-up", Unit.CALL, connections=16, calls=1_000)
HELD = Scenario("held", Unit.CHUNK, connections=1_000, calls=1_000, events=12, interval_us=1_000_000)
HELD_QUICK = Scenario("held", Unit.CHUNK, connections=100, calls=100, events=4, interval_us=300_000)
