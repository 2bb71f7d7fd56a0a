"""What docs/routing.md lets be done with a key, from what the providers have seen of it. Times in seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.core.sequences.asks import Ask
from tests.core.sequences.facts import KeyFacts, ProviderFacts
from tests.core.sequences.failures import Failure, Whose

SLACK_S = 0.001
"""Times are rounded here and there; so little is nobody's fault."""
HOUR_S = 3600.0


@dataclass(slots=True)
class KeyModel:
    """One secret."""

    rests_until_s: float = -1
    limited: int = 0
    """429 without a wait, in a row."""
    rejections: int = 0
    """In a row; above 0 it is rejected."""
    faults: int = 0
    """Of targets, in a row; above 0 it is doubted."""
    doubted_until_s: float = 0
    calls: int = 0
    calls_in: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When it was used while there was a limit for so many seconds."""
    tokens: list[tuple[float, int]] = field(default_factory=list)
    """Those that were told while there was a limit for them."""
    under_way: list[Ask] = field(default_factory=list)
    trial: Ask | None = None
    """The one that shows whether a rejected key works."""

    def objections(self, ask: Ask, key: KeyFacts, *, is_repeat: bool, now_s: float) -> Iterator[str]:
        """Why it should not have been used; a repeat on a fresh connection is no further use."""
        if not key.is_enabled:
            yield "the key is disabled"
        if now_s >= key.expires_s + SLACK_S:
            yield "the key has expired"
        if now_s < self.rests_until_s - SLACK_S:
            yield f"the key {'is rejected' if self.rejections else 'rests'} until {self.rests_until_s:.3f}"
        if self.rejections and self.trial is not None:
            yield "the key is rejected, and another call is trying it"
        parallel = key.limits.get("max_parallel", 0)
        if parallel and not is_repeat and len(self.under_way) >= parallel:
            yield f"{len(self.under_way)} calls are under way with a key that may have {parallel}"
        if not is_repeat:
            yield from self._over_limits(key, now_s)

    def _over_limits(self, key: KeyFacts, now_s: float) -> Iterator[str]:
        quota = key.limits.get("quota_limit", 0)
        if quota and self.calls >= quota:
            yield f"the key's quota of {quota} is used up"
        for span_s, limit in key.spans():
            within = sum(at_s > now_s - span_s + SLACK_S for at_s in self.calls_in[span_s])
            if within >= limit:
                yield f"the key was used {within} times in {span_s:g} s, and may be {limit} times"
        most, used = key.limits.get("rate_limit_tpm", 0), self._tokens_lately(now_s)
        if most and used >= most:
            yield f"the key has had {used} tokens in a minute, and may have {most}"

    def _tokens_lately(self, now_s: float) -> int:
        return sum(tokens for at_s, tokens in self.tokens if at_s > now_s - 60 + SLACK_S)

    def sent(self, ask: Ask, key: KeyFacts, *, is_repeat: bool, now_s: float) -> None:
        """It is used."""
        self.under_way.append(ask)
        if self.rejections:
            self.trial = ask
        if not is_repeat:
            self.calls += 1
            for span_s, _ in key.spans():
                self.calls_in[span_s].append(now_s)

    def failed(self, failure: Failure, provider: ProviderFacts, now_s: float) -> None:
        """What arrives while it rests says nothing new, unless it names a wait."""
        is_new = now_s >= self.rests_until_s
        match failure.whose:
            case Whose.LIMITED:
                told_s = self._told_s(failure, now_s)
                if told_s is None and is_new:
                    self.limited += 1
                    told_s = _doubled(provider.cooldown_s, self.limited)
                self._rest(told_s or 0, now_s)
            case Whose.SPENT:
                told_s = self._told_s(failure, now_s)
                self._rest(HOUR_S if told_s is None else told_s, now_s)
            case Whose.REFUSED if is_new or not self.rejections:
                self.rejections += 1
                self._rest(_doubled(60, self.rejections), now_s)
            case Whose.TARGET | Whose.PROVIDER if now_s >= self.doubted_until_s:
                self.faults += 1
                self.doubted_until_s = now_s + min(_doubled(5, self.faults), 60)
            case _:
                pass

    def _told_s(self, failure: Failure, now_s: float) -> float | None:
        return failure.wait_s if failure.until_s is None else failure.until_s - now_s

    def _rest(self, wait_s: float, now_s: float) -> None:
        self.rests_until_s = max(self.rests_until_s, now_s + min(wait_s, HOUR_S))

    def praised(self) -> None:
        """A good answer: nothing is held against it, and a rest that was asked for is kept."""
        self.limited = self.rejections = self.faults = 0
        self.trial = None

    def closed(self, ask: Ask, key: KeyFacts, now_s: float) -> None:
        """A use is over."""
        self.under_way.remove(ask)
        if self.trial is ask:
            self.trial = None
        if ask.has_begun and ask.tokens and key.limits.get("rate_limit_tpm"):
            self.tokens.append((now_s, ask.tokens))

    def is_doubted(self, now_s: float) -> bool:
        """Whether another one should be taken."""
        return bool(self.faults) and now_s < self.doubted_until_s - SLACK_S

    def is_good(self, key: KeyFacts, now_s: float) -> bool:
        """Whether nobody has anything against it."""
        is_valid = key.is_enabled and now_s < key.expires_s - SLACK_S
        is_tried = bool(self.rejections) and self.trial is not None
        return is_valid and now_s >= self.rests_until_s + SLACK_S and not is_tried

    def is_surely_free(self, key: KeyFacts, now_s: float) -> bool:
        """Whether nothing at all keeps it from being used. Of limits over time nobody here knows the exact moment."""
        parallel = key.limits.get("max_parallel", 0)
        return (
            self.is_good(key, now_s)
            and (not parallel or len(self.under_way) < parallel)
            and not (key.limits.keys() - {"max_parallel"})
        )


def _doubled(first_s: float, times: int) -> float:
    return min(first_s * 2.0 ** (times - 1), HOUR_S)
