"""What docs/routing.md says of a failure: what the same call may try next, and what the next calls keep away from."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Then(enum.Enum):
    """The right column of "Attempts"."""

    NOTHING = "none"
    KEY = "another key of the provider, then another target"
    TARGET = "another target"
    TARGET_OR_KEY = "another target; where there is none, another key"
    ONCE = "the same, once"
    FRESH = "the same once on a fresh connection, then as for a reset"


class Whose(enum.Enum):
    """Whom the tables of "Keys" and "Targets that rest" lay it to."""

    REQUEST = "the request: the target is there and has answered"
    RELAY = "the relay: nobody was asked"
    TARGET = "the target: so many in a row, and it rests; its key is doubted"
    PROVIDER = "the provider, which can't be reached"
    LIMITED = "the key: it rests"
    SPENT = "the key: it rests until it is back, or an hour"
    REFUSED = "the key: it is rejected"


@dataclass(frozen=True, slots=True)
class Failure:
    """One of an attempt."""

    then: Then
    whose: Whose
    status: int | None = None
    """The provider's, as far as `retry_on_status` counts."""
    wait_s: float | None = None
    """That it names; None: none."""
    until_s: float | None = None
    """The moment that it names, on the course's clock; None: none."""


RESET = Failure(Then.TARGET_OR_KEY, Whose.TARGET)
REDIRECT = BROKEN = RESET
CLOSED = Failure(Then.FRESH, Whose.TARGET)
DOWN = Failure(Then.TARGET, Whose.PROVIDER)
SILENT = EMPTY = Failure(Then.ONCE, Whose.TARGET)
OUT_OF_TIME = Failure(Then.NOTHING, Whose.TARGET)
NO_JSON = Failure(Then.KEY, Whose.TARGET)
REJECTED_INPUT = Failure(Then.NOTHING, Whose.REQUEST)
NO_MODEL = Failure(Then.TARGET, Whose.REQUEST)
WRONG_KEY = Failure(Then.KEY, Whose.REFUSED)
OUR_OWN = Failure(Then.NOTHING, Whose.RELAY)


def failed(status: int | None) -> Failure:
    """By the target, with this status; None: told in an event."""
    return Failure(Then.KEY, Whose.TARGET, status)
