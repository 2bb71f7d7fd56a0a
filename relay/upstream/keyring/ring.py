"""One provider's keys, each with what is remembered of it. Pure: the time is passed in.

`take` gives a slot, the right to make one call with one key. Whoever took it says how the call went and frees it, in
every case.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from relay.errors import Blame
from relay.upstream.keyring.key import Key
from relay.upstream.keyring.meters import Meters
from relay.upstream.keyring.standing import COOLDOWN_S, Standing
from relay.upstream.keyring.state import KeyState, key_state
from relay.upstream.keyring.strategies import STRATEGIES, Choice, Cursor, round_robin


@dataclass(slots=True)
class KeyMemory:
    """What is remembered of one key."""

    fingerprint: str
    """Of the secret: another one under the same label is another key, which nobody has refused yet."""
    meters: Meters = field(default_factory=Meters)
    standing: Standing = field(default_factory=Standing)
    has_news: bool = False
    """It has changed since it was kept last."""


@dataclass(slots=True)
class RingMemory:
    """What is remembered of one provider's keys, by label; it outlives a configuration."""

    cursor: Cursor = field(default_factory=Cursor)
    keys: dict[str, KeyMemory] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Slot:
    """The right to one call with one key."""

    key: Key
    memory: KeyMemory
    cooldown_s: float
    _is_free: bool = False

    @property
    def is_trial(self) -> bool:
        """Whether it has to show that the key works."""
        return self.memory.standing.trial is self

    def may_repeat(self, now: datetime) -> bool:
        """Whether the same call may be sent once more: nothing was heard against the key meanwhile."""
        standing = self.memory.standing
        is_good = self.key.is_good(now) and now.timestamp() >= standing.rests_until_s
        return is_good and (self.is_trial or not standing.is_rejected)

    def served(self) -> bool:
        """The provider took the key: a trial is over, though the answer may last. Whether it was one."""
        self.memory.has_news = True
        standing = self.memory.standing
        standing.praised()
        if standing.trial is not self:
            return False
        standing.trial = None
        return True

    def failed(self, blame: Blame, wait_s: float | None, now: datetime) -> None:
        """The call failed; `wait_s` is what the provider asked for."""
        self.memory.has_news = True
        self.memory.standing.blamed(blame, wait_s, now.timestamp(), cooldown_s=self.cooldown_s)

    def free(self, now: datetime, *, tokens: int = 0) -> None:
        """The call is over. Again: nothing happens."""
        if self._is_free:
            return
        memory = self.memory
        self._is_free = memory.has_news = True
        if memory.standing.trial is self:
            memory.standing.trial = None
        memory.meters.ended(self.key.limits, tokens, now.timestamp())


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why no key can be used."""

    wait_s: float | None
    """Until one can be; None: nobody knows, or never."""
    are_rejected: bool
    """The provider takes each of them for wrong."""
    is_busy: bool = False
    """One can be used again once a call that is under way ends."""

    @property
    def is_over(self) -> bool:
        """A key may be used at this moment."""
        return self.wait_s is not None and self.wait_s <= 0


class Keyring:
    """The keys of one configuration over a memory that outlives it."""

    def __init__(
        self,
        keys: Sequence[Key],
        memory: RingMemory,
        *,
        strategy: str,
        random: Callable[[], float],
        cooldown_s: float = COOLDOWN_S,
    ) -> None:
        self._keys = keys
        self._cooldown_s = cooldown_s
        self._places = {key.label: place for place, key in enumerate(keys)}
        self._by_label = {key.label: key for key in keys}
        self._cursor = memory.cursor
        self._memories = _remembered(memory, keys)
        self._strategy = STRATEGIES[strategy]
        self._random = random

    def take(self, now: datetime, tried: Collection[str] = (), *, preferred: str | None = None) -> Slot | None:
        """A key that may be used at this moment and that this call has not tried (by label); None: there is none.

        The preferred one is taken where it may be, and leaves the order of the others as it is.
        """
        now_s = now.timestamp()
        key = None
        if preferred is not None and preferred not in tried:
            key = self._trusted(preferred, now, now_s)
        if key is None:
            find = self._next_in_turn if self._strategy is round_robin else self._by_strategy
            key = find(now, now_s, tried)
            if key is None:
                return None
            self._cursor.last_label = key.label
        memory = self._memories[key.label]
        memory.has_news = True
        memory.meters.began(key.limits, now_s)
        slot = Slot(key, memory, self._cooldown_s)
        if memory.standing.trial is None and memory.standing.needs_trial:
            memory.standing.trial = slot
        return slot

    def _trusted(self, label: str, now: datetime, now_s: float) -> Key | None:
        """A key of that label which may be used without doubt."""
        key = self._by_label.get(label)
        if key is None or not self._is_available(key, now, now_s):
            return None
        return None if self._memories[label].standing.is_doubted(now_s) else key

    def _next_in_turn(self, now: datetime, now_s: float, tried: Collection[str]) -> Key | None:
        """What `round_robin` would choose among all, found without looking at those that come later."""
        keys, count = self._keys, len(self._keys)
        first = self._places.get(self._cursor.last_label or "", -1) + 1
        doubted: Key | None = None
        for place in range(first, first + count):
            key = keys[place % count]
            if key.label not in tried and self._is_available(key, now, now_s):
                if not self._memories[key.label].standing.is_doubted(now_s):
                    return key
                doubted = doubted or key
        return doubted

    def has_another(self, now: datetime, tried: Collection[str]) -> bool:
        """Whether `take` would give a key."""
        now_s = now.timestamp()
        return any(key.label not in tried and self._is_available(key, now, now_s) for key in self._keys)

    def _by_strategy(self, now: datetime, now_s: float, tried: Collection[str]) -> Key | None:
        candidates = [key for key in self._keys if key.label not in tried and self._is_available(key, now, now_s)]
        trusted = [key for key in candidates if not self._memories[key.label].standing.is_doubted(now_s)]
        candidates = trusted or candidates
        return self._strategy(self._choice(candidates)) if candidates else None

    def shortage(self, now: datetime) -> Shortage:
        """What keeps all keys from being used."""
        now_s = now.timestamp()
        good = [key for key in self._keys if key.is_good(now)]
        soonest_s = min((self._free_at_s(key, now_s) for key in good), default=math.inf)
        are_rejected = bool(good) and all(self._memories[key.label].standing.is_rejected for key in good)
        is_busy = any(self._is_busy(key) for key in good)
        return Shortage(soonest_s - now_s if math.isfinite(soonest_s) else None, are_rejected, is_busy)

    def states(self, now: datetime) -> tuple[KeyState, ...]:
        """How each key stands, in the order of the configuration."""
        known = [(key, self._memories[key.label]) for key in self._keys]
        return tuple(key_state(key, memory.meters, memory.standing, now) for key, memory in known)

    def _is_available(self, key: Key, now: datetime, now_s: float) -> bool:
        return key.is_good(now) and self._free_at_s(key, now_s) <= now_s

    def _free_at_s(self, key: Key, now_s: float) -> float:
        memory = self._memories[key.label]
        standing = memory.standing
        if standing.trial is not None and standing.refused:
            return math.inf
        return max(standing.rests_until_s, memory.meters.free_at_s(key.limits, now_s))

    def _is_busy(self, key: Key) -> bool:
        memory = self._memories[key.label]
        return memory.meters.is_busy(key.limits) and not memory.standing.is_rejected

    def _choice(self, candidates: Sequence[Key]) -> Choice:
        return Choice(self._places, candidates, self._cursor, self._in_flight, self._random)

    def _in_flight(self, key: Key) -> int:
        return self._memories[key.label].meters.in_flight


def _remembered(memory: RingMemory, keys: Sequence[Key]) -> dict[str, KeyMemory]:
    """By label. A key under another label than before - those without one are numbered - is known by its secret.

    Where the store has kept it under an earlier label as well, the one that was used more is the later one.
    """
    prints = {key.label: _fingerprint(key) for key in keys}
    shared = Counter(prints.values())
    before = dict(memory.keys)
    memory.keys = {label: known for label, known in before.items() if known.fingerprint not in shared}
    for label, fingerprint in prints.items():
        is_alone = shared[fingerprint] == 1
        known = {
            other: found
            for other, found in before.items()
            if found.fingerprint == fingerprint and (is_alone or other == label)
        }
        last = max(known, key=lambda other: (known[other].meters.calls, other == label), default=None)
        memory.keys[label] = KeyMemory(fingerprint) if last is None else known[last]
        memory.keys[label].has_news |= last not in (None, label)  # It is kept by label.
    return {label: memory.keys[label] for label in prints}


def _fingerprint(key: Key) -> str:
    return hashlib.sha256(key.secret.encode("utf-8", "surrogateescape")).hexdigest()[:16]
