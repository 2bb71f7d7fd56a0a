"""Which of the keys that may be used now serves next: a function a strategy. Pure; randomness is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from relay.upstream.keyring.key import Key


@dataclass(slots=True)
class Cursor:
    """What strategies remember of one provider between calls."""

    last_label: str | None = None
    """The key that served last; None before the first call."""
    credits: dict[str, float] = field(default_factory=dict)
    """Of `weighted`: what each key has earned and not yet spent."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is to choose from; at least one candidate, in the order of the configuration."""

    places: Mapping[str, int]
    """Where each key stands in the configuration, by label."""
    candidates: Sequence[Key]
    cursor: Cursor
    in_flight: Callable[[Key], int]
    random: Callable[[], float]
    """Below 1."""


def round_robin(choice: Choice) -> Key:
    """The first candidate behind the one that served last, in the order of the configuration, then round again."""
    return _behind_the_last(choice, choice.candidates)


def _behind_the_last(choice: Choice, candidates: Sequence[Key]) -> Key:
    last = choice.places.get(choice.cursor.last_label or "", -1)
    return next((key for key in candidates if choice.places[key.label] > last), candidates[0])


def at_random(choice: Choice) -> Key:
    """Any, each as likely."""
    return choice.candidates[int(choice.random() * len(choice.candidates))]


def weighted(choice: Choice) -> Key:
    """As often as its weight says, evenly spread: each earns its weight, the richest serves and pays for all.

    The smooth weighted round robin of nginx. A weight of 0 serves while there is no other.
    """
    credits = choice.cursor.credits
    total = 0
    for key in choice.candidates:
        credits[key.label] = credits.get(key.label, 0.0) + key.weight
        total += key.weight
    richest = max(choice.candidates, key=lambda key: (key.weight > 0, credits[key.label]))
    credits[richest.label] -= total
    return richest


def least_busy(choice: Choice) -> Key:
    """The one with the fewest calls under way; of several, the next in turn."""
    fewest = min(choice.in_flight(key) for key in choice.candidates)
    return _behind_the_last(choice, [key for key in choice.candidates if choice.in_flight(key) == fewest])


STRATEGIES: Mapping[str, Callable[[Choice], Key]] = {
    "round-robin": round_robin,
    "random": at_random,
    "weighted": weighted,
    "least-busy": least_busy,
}
