"""Counters and histograms by labels, bounded: a process must not remember without end. Pure.

Labels come from the configuration and from the code. Where there are too many sets all the same - models by the
thousand, names that change with each reload - a new one is counted with `other` for its provider, key and model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

Labels: TypeAlias = tuple[str, ...]
"""Values, in the order of `Series.labels`."""

OTHER = "other"
MAX_SETS = 2000
MAX_SPREADS = 500
"""Label sets of a histogram, each of which is a dozen lines and more when it is written out."""
_OPEN = frozenset({"provider", "key", "model"})
"""Labels with as many values as the configuration likes; those of the others stand in the code."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted or measured, under the name that it has outside."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


class Known(Sized, Container[Labels], Protocol):
    """The label sets that there are."""


def within(series: Series, labels: Labels, known: Known, *, max_sets: int = MAX_SETS) -> Labels:
    """These labels, or what they are counted under where there are too many sets: never more than `max_sets` in all.

    A tenth is kept for sets that differ in what the code chose, so that an error stays one under `other`.
    """
    if labels in known or len(known) < max_sets - max(max_sets // 10, 1):
        return labels
    folded = tuple(OTHER if name in _OPEN else value for name, value in zip(series.labels, labels, strict=True))
    return folded if folded in known or len(known) < max_sets - 1 else (OTHER,) * len(labels)


class Counter:
    """What only grows."""

    def __init__(self, series: Series, *, max_sets: int = MAX_SETS) -> None:
        self.series = series
        self.max_sets = max_sets
        self.totals: dict[Labels, float] = {}
        if not series.labels:
            self.totals[()] = 0

    def add(self, labels: Labels, amount: float = 1) -> None:
        """So much more."""
        totals = self.totals
        if labels not in totals:
            labels = within(self.series, labels, totals, max_sets=self.max_sets)
        totals[labels] = totals.get(labels, 0) + amount

    def copy(self) -> Self:
        """As it is now."""
        copied = type(self)(self.series, max_sets=self.max_sets)
        copied.totals = dict(self.totals)
        return copied


@dataclass(slots=True)
class Spread:
    """Observations by how large they were."""

    counts: list[int]
    """Up to each bound, but above the one before; the last are those above all bounds."""
    total: float = 0


class Histogram:
    """How values are spread between bounds, which ascend; a value at a bound is up to it."""

    def __init__(self, series: Series, bounds: Sequence[float], *, max_sets: int = MAX_SPREADS) -> None:
        self.series = series
        self.max_sets = max_sets
        self.bounds = bounds
        self.spreads: dict[Labels, Spread] = {}
        if not series.labels:
            self.spreads[()] = self._empty()

    def observe(self, labels: Labels, value: float) -> None:
        """One more."""
        spread = self.spreads.get(labels)
        if spread is None:
            labels = within(self.series, labels, self.spreads, max_sets=self.max_sets)
            spread = self.spreads.setdefault(labels, self._empty())
        spread.counts[bisect_left(self.bounds, value)] += 1
        spread.total += value

    def copy(self) -> Self:
        """As it is now."""
        copied = type(self)(self.series, self.bounds, max_sets=self.max_sets)
        copied.spreads = {labels: Spread(spread.counts.copy(), spread.total) for labels, spread in self.spreads.items()}
        return copied

    def _empty(self) -> Spread:
        return Spread([0] * (len(self.bounds) + 1))
