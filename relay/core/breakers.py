"""Targets that fail again and again rest, so that calls go where they are answered. Pure: the time is passed in.

    failed so often in a row     out for `open`, then one trial; longer with each opening in a row, 300 s at most
    can't be reached             its provider is out for 5 s, twice as long with each in a row, 60 s at most
    served                       all is forgotten

A pass is the right to try a target once. Whoever has it says how it went, and leaves in every case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from relay.errors import Blame, UpstreamError
from relay.model import Target

MAX_OPEN_S = 300.0
FIRST_DOWN_S, MAX_DOWN_S = 5.0, 60.0


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """`providers.*.breaker`."""

    failures: int
    """So many in a row; 0: never."""
    window_s: float
    open_s: float


@dataclass(slots=True)
class Breaker:
    """What is remembered of one target, or of one provider. Times are seconds since 1970."""

    in_a_row: int = 0
    first_s: float = 0.0
    """When the first failure in this row was."""
    openings: int = 0
    """In a row: how often it went out without having served."""
    open_until_s: float = 0.0
    is_on_trial: bool = False

    def admits(self, now_s: float) -> bool:
        """Whether it may be tried; one at a time where it went out before."""
        return now_s >= self.open_until_s and not self.is_on_trial

    def failed(self, rule: BreakerRule, now_s: float) -> None:
        """One more in a row; while it is out, it is one of those that were under way before, which says nothing new."""
        if now_s < self.open_until_s:
            return
        if now_s - self.first_s > rule.window_s:
            self.in_a_row, self.first_s = 0, now_s
        self.in_a_row += 1
        if self.openings or (rule.failures and self.in_a_row >= rule.failures):
            self._goes_out(min(rule.open_s * (self.openings + 1), MAX_OPEN_S), now_s)

    def is_down(self, now_s: float) -> None:
        """It can't be reached."""
        if now_s >= self.open_until_s:
            self._goes_out(min(FIRST_DOWN_S * 2 ** min(self.openings, 10), MAX_DOWN_S), now_s)

    def served(self) -> None:
        """It served a call."""
        self.in_a_row = 0
        self.answers()

    def answers(self) -> None:
        """It is there, though it refused: the row goes on, but a trial is passed."""
        self.openings = 0
        self.open_until_s = 0.0

    def _goes_out(self, how_long_s: float, now_s: float) -> None:
        self.openings += 1
        self.in_a_row = 0
        self.open_until_s = max(self.open_until_s, now_s + how_long_s)


@dataclass(slots=True)
class BreakerMemory:
    """Of all targets and providers; it outlives a configuration."""

    targets: dict[Target, Breaker] = field(default_factory=dict)
    providers: dict[str, Breaker] = field(default_factory=dict)


@dataclass(slots=True)
class Pass:
    """The right to try a target once."""

    target: Breaker
    provider: Breaker
    rule: BreakerRule
    _has_left: bool = False

    def served(self) -> None:
        """The target answered, to the end."""
        self.target.served()
        self.provider.served()

    def failed(self, failure: UpstreamError, now: datetime) -> None:
        """It failed, as far as the target is to blame."""
        now_s = now.timestamp()
        match failure.blame:
            case Blame.TARGET_DOWN:
                self.provider.is_down(now_s)
            case Blame.TARGET:
                self.provider.served()  # It was there, at least.
                self.target.failed(self.rule, now_s)
            case Blame.NOBODY if failure.upstream_status is None:
                pass  # Of the relay's own: it may never have been asked.
            case _:
                self.provider.served()
                self.target.answers()

    def is_still_in(self, now: datetime) -> bool:
        """Whether the same call may try the same target once more: it has not gone out by what was said of it."""
        return now.timestamp() >= max(self.target.open_until_s, self.provider.open_until_s)

    def leave(self) -> None:
        """The try is over. Again: nothing happens."""
        if not self._has_left:
            self._has_left = True
            self.target.is_on_trial = self.provider.is_on_trial = False


class Breakers:
    """The breakers of one configuration over a memory that outlives it."""

    def __init__(self, memory: BreakerMemory, rule_of: Callable[[str], BreakerRule]) -> None:
        self._memory = memory
        self._rule_of = rule_of

    def enter(self, target: Target, now: datetime) -> Pass | None:
        """A pass; None: the target rests, or somebody else is trying it."""
        found, now_s = self._pass(target), now.timestamp()
        if not (found.target.admits(now_s) and found.provider.admits(now_s)):
            return None
        return self._given(found)

    def enter_anyway(self, target: Target) -> Pass:
        """A pass for a target that rests, where nothing else is left: better a failure that was seen."""
        return self._given(self._pass(target))

    def _pass(self, target: Target) -> Pass:
        breaker = self._memory.targets.get(target)
        if breaker is None:
            breaker = self._memory.targets[target] = Breaker()
        provider = self._memory.providers.get(target.provider)
        if provider is None:
            provider = self._memory.providers[target.provider] = Breaker()
        return Pass(breaker, provider, self._rule_of(target.provider))

    @staticmethod
    def _given(found: Pass) -> Pass:
        for breaker in (found.target, found.provider):
            breaker.is_on_trial = breaker.openings > 0
        return found
