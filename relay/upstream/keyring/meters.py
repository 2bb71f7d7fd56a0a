"""What a key has been used for, against its limits. Pure."""

from __future__ import annotations

import math

from relay.upstream.keyring.key import MINUTE_S, KeyLimits
from relay.upstream.keyring.window import Window


class Meters:
    """Counts calls, tokens, and what is under way; those without a limit are not counted by time."""

    def __init__(self) -> None:
        self.calls = 0
        """In all."""
        self.in_flight = 0
        self.calls_in: dict[float, Window] = {}
        """By the span in seconds, of the limits that there are or were."""
        self.tokens = Window(MINUTE_S)

    def began(self, limits: KeyLimits, now_s: float) -> None:
        """One more call."""
        self.calls += 1
        self.in_flight += 1
        for span_s, _ in limits.spans:
            self._window(span_s).add(1, now_s)

    def ended(self, limits: KeyLimits, tokens: int, now_s: float) -> None:
        """One call less under way, which took so many tokens."""
        self.in_flight -= 1
        if limits.tpm and tokens:
            self.tokens.add(tokens, now_s)

    def free_at_s(self, limits: KeyLimits, now_s: float) -> float:
        """When the limits allow another call: now, later, or never (infinite) but by another call's end."""
        if limits.quota and self.calls >= limits.quota:
            return math.inf
        if limits.max_parallel and self.in_flight >= limits.max_parallel:
            return math.inf
        free_s = now_s
        for span_s, limit in limits.spans:
            free_s = max(free_s, self._window(span_s).free_at_s(limit, now_s))
        if limits.tpm:
            free_s = max(free_s, self.tokens.free_at_s(limits.tpm, now_s))
        return free_s

    def is_busy(self, limits: KeyLimits) -> bool:
        """Whether another call's end is all that is waited for."""
        has_quota = not limits.quota or self.calls < limits.quota
        return bool(limits.max_parallel) and self.in_flight >= limits.max_parallel and has_quota

    def _window(self, span_s: float) -> Window:
        window = self.calls_in.get(span_s)
        if window is None:
            window = self.calls_in[span_s] = Window(span_s)
        return window
