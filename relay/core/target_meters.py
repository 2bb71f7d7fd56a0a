"""What each target does at the moment and has done lately: calls under way, and the time to the first token. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.model import Target

MAX_TARGETS = 4096
"""That are remembered: names of models are the clients' own where a provider takes all; the oldest goes first."""
MAX_SAMPLES = 100
LATELY_S = 600.0
"""Older samples say nothing of now."""
TRIED_AGAIN_S = 60.0
"""A target that gave no measure when it was tried for one is not tried for it by each call."""
MIN_SAMPLES = 20
"""Fewer give no percentile."""


def _nothing() -> None:
    pass


@dataclass(slots=True)
class TargetMeter:
    """Of one target."""

    in_flight: int = 0
    began_at_s: float = -math.inf
    """When the last call began there."""
    samples: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES))
    """(when, seconds to the first token), the oldest first."""

    def lately(self, now_s: float) -> list[float]:
        """The samples that count, in order of size."""
        while self.samples and now_s - self.samples[0][0] > LATELY_S:
            self.samples.popleft()
        return sorted(took_s for _, took_s in self.samples)


@dataclass(slots=True)
class ProviderMeter:
    """Of one provider."""

    in_flight: int = 0
    on_ease: Callable[[], None] = _nothing
    """Called when a call there is over, or a key has shown that it works: somebody may wait for that."""


@dataclass(slots=True)
class Load:
    """One call that is counted at its target and provider."""

    _meter: TargetMeter
    _provider: ProviderMeter
    _is_counted: bool = True

    def end(self) -> None:
        """It is over. Again: nothing happens."""
        if self._is_counted:
            self._is_counted = False
            self._meter.in_flight -= 1
            self._provider.in_flight -= 1
            self._provider.on_ease()

    def ease(self) -> None:
        """It goes on, and its key may be used by others: it was on trial, say."""
        self._provider.on_ease()


class TargetMeters:
    """Of all targets and their providers; it outlives a configuration."""

    def __init__(self) -> None:
        self._meters: dict[Target, TargetMeter] = {}
        self._providers: dict[str, ProviderMeter] = {}

    def begin(self, target: Target, now_s: float) -> Load:
        """Count one more call there, until its load ends."""
        meter, provider = self._of(target), self.provider(target.provider)
        meter.in_flight += 1
        meter.began_at_s = now_s
        provider.in_flight += 1
        return Load(meter, provider)

    def provider(self, name: str) -> ProviderMeter:
        """That of a provider of the configuration."""
        meter = self._providers.get(name)
        if meter is None:
            meter = self._providers[name] = ProviderMeter()
        return meter

    def first_token(self, target: Target, took_s: float, now_s: float) -> None:
        """A stream has begun; it took so long."""
        self._of(target).samples.append((now_s, took_s))

    def busy(self, target: Target) -> int:
        """Calls under way there."""
        meter = self._meters.get(target)
        return 0 if meter is None else meter.in_flight

    def is_due(self, target: Target, now_s: float) -> bool:
        """Whether a call may go there to see how fast it is: none is under way, and none began a moment ago."""
        meter = self._meters.get(target)
        return meter is None or (not meter.in_flight and now_s - meter.began_at_s >= TRIED_AGAIN_S)

    def typical_s(self, target: Target, now_s: float) -> float | None:
        """The median time to the first token; None: nothing was measured lately."""
        lately = self._lately(target, now_s)
        return lately[len(lately) // 2] if lately else None

    def percentile_s(self, target: Target, percent: int, now_s: float) -> float | None:
        """So many in a hundred were at least as quick; None: too few were measured lately."""
        lately = self._lately(target, now_s)
        return lately[(len(lately) - 1) * percent // 100] if len(lately) >= MIN_SAMPLES else None

    def _forget_one(self) -> None:
        """The oldest at which nothing is under way; where there is something everywhere, the oldest of all."""
        idle = (target for target, meter in self._meters.items() if not meter.in_flight)
        del self._meters[next(idle, next(iter(self._meters)))]

    def _lately(self, target: Target, now_s: float) -> list[float]:
        meter = self._meters.get(target)
        return [] if meter is None else meter.lately(now_s)

    def _of(self, target: Target) -> TargetMeter:
        meter = self._meters.get(target)
        if meter is None:
            if len(self._meters) >= MAX_TARGETS:
                self._forget_one()
            meter = self._meters[target] = TargetMeter()
        return meter
