"""What a row of the fault table says.

A row is one fault in one shape: the numbers are those of the table, and several rows share one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from relay.model import Dialect, Outcome, Usage
from tests.support.scripted import Script
from tests.support.sdks import Form

Tries: TypeAlias = Literal["k, u", "u", "u once", "s, u", "-", "none"]
"""k = another key, u = another target, s = the same once on a fresh connection, - = no other; none: not even one."""

BOTH = (Form.PLAIN, Form.STREAMED)
PLAIN, STREAMED = (Form.PLAIN,), (Form.STREAMED,)
UNTOUCHED, DOUBTED, REJECTED, COUNTS = "untouched", "doubted", "rejected", "counts"
ATTEMPTS: Mapping[Tries, tuple[str, ...]] = {
    "k, u": ("up key-1", "up key-2", "other key-1"),
    "u": ("up key-1", "other key-1", "third key-1"),
    "u once": ("up key-1", "other key-1"),
    "s, u": ("up key-1", "up key-1", "other key-1"),
    "-": ("up key-1",),
    "none": (),
}
"""Where every try fails alike: the provider `up` has two keys, `other` and `third` have one each."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error with a status, before anything of an answer went out."""

    status: int
    openai_type: str
    code: str | None
    anthropic_type: str
    anthropic_status: int | None = None
    """Where it is another one; None: the same."""
    retry_after_s: int | None = None
    is_final: bool = False
    """`x-should-retry: false`, however many tries were made."""

    def status_in(self, dialect: Dialect) -> int:
        """What the clients of a dialect are told."""
        is_other = dialect is Dialect.MESSAGES and self.anthropic_status is not None
        return self.anthropic_status or self.status if is_other else self.status


@dataclass(frozen=True, slots=True)
class Broken:
    """An error event in the stream, behind what had been sent, and nothing behind it."""

    openai_type: str
    code: str | None
    anthropic_type: str


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """The connection ends before the answer does: where no error event fits, nobody may take the part for the whole."""

    code: str
    """Recorded; nobody is told."""


@dataclass(frozen=True, slots=True)
class Passed:
    """No error of the relay's: the SDK returns the whole answer, or raises by itself as it would at the provider."""

    mends: str = ""
    """What is not as the provider sent it; empty: nothing, the bytes pass as they are."""
    raises: type[Exception] | None = None
    """What the SDK raises by itself."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Nobody is told, since the client is gone; it is recorded."""

    outcome: Outcome
    status: int


Told: TypeAlias = Refused | Broken | BrokenOff | Passed | Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row says."""

    number: int
    name: str
    told: Told
    forms: tuple[Form, ...] = BOTH
    dialects: tuple[Dialect, ...] = tuple(Dialect)
    tries: Tries = "-"
    key: str = UNTOUCHED
    """The key that was tried first, behind the call."""
    target: str = UNTOUCHED
    """The model at the provider that was tried first."""

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def attempts(self) -> tuple[str, ...]:
        """Of a call whose tries all fail alike."""
        return ATTEMPTS[self.tries]


ScriptFor: TypeAlias = Callable[[Dialect, Form], Script]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Row):
    """One that an upstream makes by following a script."""

    script: ScriptFor
    timeout: Mapping[str, float] = field(default_factory=dict)
    """The provider's `timeout`, where waiting for it is the fault."""
    calls_before: int = 0
    """So many calls have met the same fault when this one comes."""
    usage: Usage | None = None
    """What is recorded of the tokens, where the row is about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(Row):
    """One that is made by where the provider is said to be."""

    place: Callable[[], AbstractContextManager[str]]
    """Gives its URL."""
    timeout: Mapping[str, float] = field(default_factory=dict)


class Moment(enum.StrEnum):
    """How far a call is when something happens that is no provider's doing."""

    ASKED = "before the head"
    HEARD = "before the first byte of the body"
    BEGUN = "in the middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Row):
    """One that a client or the relay itself makes, while the provider does nothing wrong."""

    moment: Moment
