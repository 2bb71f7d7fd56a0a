"""Targets that fail again and again rest, so that calls go where they are answered. Pure: the time is passed in.

    failed so often in a row     out for `open`, then one trial; longer with each opening in a row, 300 s at most
    can't be reached             its provider is out for 5 s, twice as long with each in a row, 60 s at most
    served                       all is forgotten

A pass is the right to try a target once. Whoever has it says how it went, and leaves in every case.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
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


class BreakerState(enum.Enum):
    """Whether calls go to a target."""

    CLOSED = "closed"
    """As if nothing had happened."""
    OPEN = "open"
    """None go there."""
    HALF_OPEN = "half-open"
    """One at a time."""


@dataclass(slots=True)
class Breaker:
    """What is remembered of one target, or of one provider. Times are seconds since 1970."""

    recent_s: list[float] = field(default_factory=list)
    """When the last failures were, as many as count: nothing served in between."""
    openings: int = 0
    """In a row: how often it went out without having served."""
    open_until_s: float = 0.0
    trial: Pass | None = field(default=None, repr=False, compare=False)
    """The one that tries it for all others, once it went out; None: nobody does."""

    def admits(self, now_s: float) -> bool:
        """Whether it may be tried; one at a time where it went out before."""
        return now_s >= self.open_until_s and self.trial is None

    def state(self, now_s: float) -> BreakerState:
        """Whether calls go there at this moment."""
        if now_s < self.open_until_s:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN if self.openings else BreakerState.CLOSED

    def failed(self, rule: BreakerRule, now_s: float) -> None:
        """One more in a row; while it is out, it is one of those that were under way before, which says nothing new."""
        if now_s < self.open_until_s:
            return
        recent_s = [at_s for at_s in self.recent_s if now_s - at_s <= rule.window_s]
        self.recent_s = [*recent_s, now_s][-rule.failures :] if rule.failures else []
        if self.openings or (rule.failures and len(self.recent_s) >= rule.failures):
            self._goes_out(min(rule.open_s * (self.openings + 1), MAX_OPEN_S), now_s)

    def is_down(self, now_s: float) -> None:
        """It can't be reached."""
        if now_s >= self.open_until_s:
            self._goes_out(min(FIRST_DOWN_S * 2 ** min(self.openings, 10), MAX_DOWN_S), now_s)

    def answers(self) -> None:
        """It is there, though it refused: the row goes on, but a trial is passed, whoever it was that passed it."""
        self.openings = 0
        self.open_until_s = 0.0
        self.trial = None

    def _goes_out(self, how_long_s: float, now_s: float) -> None:
        self.openings += 1
        self.recent_s = []
        self.open_until_s = max(self.open_until_s, now_s + how_long_s)


MAX_TARGETS = 4096
"""That are remembered: names of models are the clients' own where a provider takes all; the oldest goes first."""


@dataclass(slots=True)
class BreakerMemory:
    """Of the targets and providers that have failed and not served since; it outlives a configuration."""

    targets: dict[Target, Breaker] = field(default_factory=dict)
    providers: dict[str, Breaker] = field(default_factory=dict)

    def found(self, target: Target) -> tuple[Breaker, ...]:
        """Those that a try at a target has to pass."""
        if not self.targets and not self.providers:
            return ()
        both = (self.targets.get(target), self.providers.get(target.provider))
        return tuple(breaker for breaker in both if breaker is not None)

    def of(self, target: Target) -> Breaker:
        """That of a target, which has just failed."""
        breaker = self.targets.get(target)
        if breaker is None:
            if len(self.targets) >= MAX_TARGETS:
                del self.targets[next(iter(self.targets))]
            breaker = self.targets[target] = Breaker()
        return breaker


@dataclass(slots=True)
class Pass:
    """The right to try a target once."""

    _memory: BreakerMemory
    _target: Target
    _rule: BreakerRule
    _trials: tuple[Breaker, ...]
    """What this is the trial of."""

    def began(self) -> None:
        """The target answers, and its answer may take long: others need not wait for its end."""
        self._memory.providers.pop(self._target.provider, None)
        if (breaker := self._memory.targets.get(self._target)) is not None:
            breaker.answers()
        self.leave()

    def served(self) -> None:
        """The target answered, to the end."""
        self._memory.targets.pop(self._target, None)
        self._memory.providers.pop(self._target.provider, None)

    def failed(self, failure: UpstreamError, now: datetime) -> None:
        """It failed, as far as the target is to blame."""
        now_s = now.timestamp()
        match failure.blame:
            case Blame.TARGET_DOWN:
                self._memory.providers.setdefault(self._target.provider, Breaker()).is_down(now_s)
            case Blame.TARGET:
                self._memory.providers.pop(self._target.provider, None)  # It was there, at least.
                self._memory.of(self._target).failed(self._rule, now_s)
            case Blame.NOBODY if failure.upstream_status is None:
                pass  # Of the relay's own: it may never have been asked.
            case _:
                self.began()

    def is_still_in(self, now: datetime) -> bool:
        """Whether the same call may try the same target once more: it has not gone out by what was said of it."""
        return all(now.timestamp() >= breaker.open_until_s for breaker in self._memory.found(self._target))

    def leave(self) -> None:
        """The try is over. Again: nothing happens."""
        for breaker in self._trials:
            if breaker.trial is self:
                breaker.trial = None
        self._trials = ()


class Breakers:
    """The breakers of one configuration over a memory that outlives it."""

    def __init__(self, memory: BreakerMemory, rule_of: Callable[[str], BreakerRule]) -> None:
        self._memory = memory
        self._rule_of = rule_of

    def enter(self, target: Target, now: datetime) -> Pass | None:
        """A pass; None: the target rests, or somebody else is trying it."""
        found = self._memory.found(target)
        if found and not all(breaker.admits(now.timestamp()) for breaker in found):
            return None
        return self._given(target, found)

    def enter_anyway(self, target: Target) -> Pass:
        """A pass for a target that rests, where nothing else is left: better a failure that was seen."""
        return self._given(target, self._memory.found(target))

    def rests_s(self, target: Target, now: datetime) -> float:
        """How long it will be passed over; 0: it is not."""
        now_s = now.timestamp()
        return max([0.0, *(breaker.open_until_s - now_s for breaker in self._memory.found(target))])

    def provider_rests_s(self, provider: str, now: datetime) -> float:
        """How long it is taken for one that can't be reached; 0: it is not."""
        breaker = self._memory.providers.get(provider)
        return 0.0 if breaker is None else max(0.0, breaker.open_until_s - now.timestamp())

    def of_targets(self, now: datetime) -> Iterator[tuple[Target, BreakerState]]:
        """Those that have failed and not served since, be they of this configuration or not."""
        for target, breaker in self._memory.targets.items():
            yield target, breaker.state(now.timestamp())

    def of_provider(self, provider: str, now: datetime) -> BreakerState:
        """Whether it can be reached, as far as anybody knows."""
        breaker = self._memory.providers.get(provider)
        return BreakerState.CLOSED if breaker is None else breaker.state(now.timestamp())

    def _given(self, target: Target, found: tuple[Breaker, ...]) -> Pass:
        trials = tuple(breaker for breaker in found if breaker.openings and breaker.trial is None) if found else ()
        entry = Pass(self._memory, target, self._rule_of(target.provider), trials)
        for breaker in trials:
            breaker.trial = entry
        return entry
