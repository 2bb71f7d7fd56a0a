"""A key of a provider as the configuration has it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may be used for; 0: no limit."""

    rps: float = 0
    """Calls in a second; a fraction is kept as whole calls in another span."""
    rpm: float = 0
    tpm: float = 0
    """Tokens in a minute, those of the answers included: once it is reached, no further call begins."""
    in_5h: int = 0
    """Calls in five hours, in a day, in seven days."""
    in_1d: int = 0
    in_7d: int = 0
    quota: int = 0
    """Calls in all."""
    max_parallel: int = 0
    spans: tuple[tuple[float, int], ...] = field(init=False, repr=False, compare=False)
    """(span in seconds, calls within it) of the limits over time that there are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self._spans()))

    def _spans(self) -> Iterable[tuple[float, int]]:
        """Whole calls: below 1 one in a longer span, above it those in a shorter one, so that 1.5 a second are 1.5."""
        limits = {1: self.rps, MINUTE_S: self.rpm, 5 * HOUR_S: self.in_5h, DAY_S: self.in_1d, 7 * DAY_S: self.in_7d}
        found: dict[float, int] = {}
        for span_s, limit in limits.items():
            if limit > 0:
                calls = max(1, math.floor(limit))
                span = span_s * calls / limit
                found[span] = min(found.get(span, calls), calls)
        return found.items()


@dataclass(frozen=True, slots=True)
class Key:
    """One credential at a provider."""

    label: str
    secret: str
    is_enabled: bool = True
    expires_at: datetime | None = None
    """UTC; None: never."""
    weight: int = 1
    limits: KeyLimits = field(default_factory=KeyLimits)

    def __repr__(self) -> str:
        return f"Key({self.label!r})"

    def is_good(self, now: datetime) -> bool:
        """Whether the configuration lets it be used at this moment."""
        return self.is_enabled and (self.expires_at is None or now < self.expires_at)
