"""How many tries a provider may be asked for beyond the first of each call, and how long to wait before one. Pure.

When a provider is in trouble, all calls fail, and all would be tried again: the budget keeps that from becoming the
trouble. Full jitter keeps those who wait from coming back together.

    Google SRE, "Handling Overload" and "Addressing Cascading Failures"; AWS, "Exponential Backoff And Jitter"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from relay.errors import Blame, Retry, UpstreamError
from relay.upstream.keyring.window import Window

BUDGET_S = 10.0
SHARE = 0.2
"""Of the calls in that time."""
ALWAYS_PER_S = 3
"""However few the calls are."""
MIN_DELAY_S = 0.1
FIRST_DELAY_S = 0.5


@dataclass(frozen=True, slots=True)
class RetryRule:
    """`providers.*.retry`."""

    is_enabled: bool
    max_retries: int
    statuses: frozenset[int]
    backoff_factor: float
    backoff_max_s: float

    def permits(self, failure: UpstreamError, made: int) -> bool:
        """Whether a failure may be followed by another try, after so many."""
        if not self.is_enabled or made > self.max_retries or failure.retry is Retry.NEVER:
            return False
        is_by_status = failure.upstream_status is not None and failure.blame in (Blame.TARGET, Blame.KEY_LIMITED)
        return not is_by_status or failure.upstream_status in self.statuses

    def delay_s(self, made: int, random: Callable[[], float]) -> float:
        """Before the next try at a provider that has just failed, after so many."""
        longest_s = min(FIRST_DELAY_S * self.backoff_factor ** (made - 1), self.backoff_max_s)
        return min(MIN_DELAY_S, longest_s) + random() * max(0.0, longest_s - MIN_DELAY_S)


@dataclass(slots=True)
class RetryBudget:
    """Of one provider; it outlives a configuration."""

    _calls: Window = field(default_factory=lambda: Window(BUDGET_S))
    _retries: Window = field(default_factory=lambda: Window(BUDGET_S))

    def called(self, now: datetime) -> None:
        """A call came to the provider first."""
        self._calls.add(1, now.timestamp())

    def allows(self, now: datetime) -> bool:
        """Whether one more try may be made."""
        now_s = now.timestamp()
        allowed = max(SHARE * self._calls.total(now_s), ALWAYS_PER_S * BUDGET_S)
        return self._retries.total(now_s) < allowed

    def spend(self, now: datetime) -> None:
        """One more try is made."""
        self._retries.add(1, now.timestamp())
