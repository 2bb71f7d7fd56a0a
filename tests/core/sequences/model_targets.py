"""What docs/routing.md says of targets that rest, of providers that can't be reached, and of the budget of retries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.core.sequences.asks import Ask
from tests.core.sequences.facts import ProviderFacts
from tests.core.sequences.model_keys import SLACK_S

BUDGET_S = 10.0
ALWAYS = 30
SHARE = 0.2
COARSE_S = BUDGET_S / 60 + SLACK_S
"""Calls may count for a little longer than the budget says."""


@dataclass(slots=True)
class Rest:
    """Of a target, or of a provider."""

    failed_s: list[float] = field(default_factory=list)
    """When it failed, and has not served since."""
    openings: int = 0
    out_until_s: float = 0
    trial: Ask | None = None
    """The one call that tries it."""

    def keeps_out(self, ask: Ask | None, now_s: float) -> bool:
        """Whether it is passed over; None: by a call that has nothing to do with it yet."""
        is_tried = self.trial is not None and (ask is None or self.trial.call is not ask.call)
        return now_s < self.out_until_s - SLACK_S or (self.openings > 0 and is_tried)

    def sent(self, ask: Ask, now_s: float) -> None:
        """Somebody asks it; the first one behind its rest tries it for all others."""
        if self.openings and self.trial is None and now_s >= self.out_until_s:
            self.trial = ask

    def failed(self, provider: ProviderFacts, now_s: float) -> None:
        """By the target's own fault; what comes while it rests was under way before."""
        if now_s < self.out_until_s:
            return
        self.failed_s = [*self.failed_s, now_s] if provider.failures else []  # Where it is off, nothing counts.
        in_window = sum(now_s - at_s <= provider.window_s for at_s in self.failed_s)
        if self.openings or (provider.failures and in_window >= provider.failures):
            self._goes_out(min(provider.open_s * (self.openings + 1), 300), now_s)

    def is_down(self, now_s: float) -> None:
        """It can't be reached."""
        if now_s >= self.out_until_s:
            self._goes_out(min(5 * 2.0**self.openings, 60), now_s)

    def _goes_out(self, wait_s: float, now_s: float) -> None:
        self.openings += 1
        self.failed_s.clear()
        self.out_until_s = now_s + wait_s

    def answered(self) -> None:
        """It is there, though it may have refused."""
        self.openings, self.out_until_s, self.trial = 0, 0, None

    def closed(self, ask: Ask) -> None:
        """A request is over."""
        if self.trial is ask:
            self.trial = None


@dataclass(slots=True)
class ProviderModel:
    """One provider, by its name."""

    rest: Rest = field(default_factory=Rest)
    under_way: list[Ask] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    """When a call came to it."""
    agains: list[float] = field(default_factory=list)
    """When a call was let come to it once more."""

    def objections(self, ask: Ask) -> Iterator[str]:
        """Why it should not have been asked."""
        most = ask.provider.max_parallel
        if most and len(self.under_way) >= most:
            yield f"{len(self.under_way)} calls are under way at a provider that may have {most}"

    def objections_to_again(self, decided_s: float) -> Iterator[str]:
        """Why it should not have been asked again."""
        agains = sum(at_s > decided_s - BUDGET_S + SLACK_S for at_s in self.agains)
        calls = sum(at_s > decided_s - BUDGET_S - COARSE_S for at_s in self.firsts)
        if agains >= max(ALWAYS, SHARE * calls):
            yield f"the provider was asked again {agains} times in 10 s, by {calls} calls"
