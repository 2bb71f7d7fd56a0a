"""How much there was within the last so many seconds. Pure.

Amounts are kept in a few dozen buckets, and one counts until all of it is out of the window: never more than the limit
falls into any span of this length, at the price of a little less than it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

BUCKETS = 60


class Window:
    """Amounts of the last `span_s` seconds; times are seconds since 1970 and may stand still, but not go back."""

    __slots__ = ("_buckets", "_total", "_width_s", "span_s")

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._width_s = span_s / BUCKETS
        self._buckets: deque[tuple[int, float]] = deque()
        self._total = 0.0

    def add(self, amount: float, now_s: float) -> None:
        """So much more, now. A negative amount takes back what was too much."""
        index = math.floor(now_s / self._width_s)
        if self._buckets and self._buckets[-1][0] >= index:
            last, known = self._buckets.pop()
            self._buckets.append((last, known + amount))
        else:
            self._buckets.append((index, amount))
        self._total += amount

    def total(self, now_s: float) -> float:
        """How much it is at this moment."""
        while self._buckets and self._leaves_at_s(self._buckets[0][0]) <= now_s:
            self._total -= self._buckets.popleft()[1]
        if not self._buckets:
            self._total = 0.0  # Whatever rounding has left.
        return self._total

    def free_at_s(self, limit: float, now_s: float) -> float:
        """When it will be under a limit, if nothing is added: now, or later."""
        left = self.total(now_s)
        for index, amount in self._buckets:
            if left < limit:
                break
            left -= amount
            now_s = self._leaves_at_s(index)
        return now_s

    def buckets(self) -> list[tuple[int, float]]:
        """All that counts, to be kept: (number of the bucket, amount)."""
        return list(self._buckets)

    @classmethod
    def of(cls, span_s: float, buckets: Iterable[tuple[int, float]]) -> Window:
        """As it was when these were its buckets."""
        window = cls(span_s)
        window._buckets.extend(sorted(buckets))
        window._total = sum(amount for _, amount in window._buckets)
        return window

    def _leaves_at_s(self, index: int) -> float:
        return (index + 1) * self._width_s + self.span_s
