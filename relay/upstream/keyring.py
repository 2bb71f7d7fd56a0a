"""Which of a provider's keys serves next. Pure: the time is passed in, and the state is a value.

Only the cursor of round robin is kept so far; cooldowns, limits and the other strategies add fields to `KeyState` and
rows to `STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Key:
    """One credential at a provider."""

    label: str
    secret: str
    is_enabled: bool = True
    expires_at: datetime | None = None
    """UTC; None: never."""

    def __repr__(self) -> str:
        return f"Key({self.label!r})"


@dataclass(slots=True)
class KeyState:
    """What is remembered of one provider's keys between calls; lives as long as the process, outside the config."""

    last_label: str | None = None
    """The label that round robin gave last; None before the first call."""


def available(keys: Sequence[Key], now: datetime) -> list[Key]:
    """The keys that may be used at this moment, in the order of the configuration."""
    return [key for key in keys if key.is_enabled and (key.expires_at is None or now < key.expires_at)]


def choose(
    keys: Sequence[Key], state: KeyState, *, now: datetime, tried: Collection[str] = (), strategy: str = "round-robin"
) -> Key | None:
    """Choose among the available keys that this call has not `tried` (by label) and remember it; None: none is left."""
    candidates = available(keys, now)
    if tried:
        candidates = [key for key in candidates if key.label not in tried]
    if not candidates:
        return None
    chosen = STRATEGIES[strategy](keys, candidates, state)
    state.last_label = chosen.label
    return chosen


def _round_robin(keys: Sequence[Key], candidates: Sequence[Key], state: KeyState) -> Key:
    """The first candidate behind the last one used, in the order of the configuration, then round again."""
    if len(candidates) == 1:
        return candidates[0]
    labels = [key.label for key in keys]
    start = labels.index(state.last_label) + 1 if state.last_label in labels else 0
    return min(candidates, key=lambda key: (labels.index(key.label) - start) % len(labels))


STRATEGIES: Mapping[str, Callable[[Sequence[Key], Sequence[Key], KeyState], Key]] = {"round-robin": _round_robin}
