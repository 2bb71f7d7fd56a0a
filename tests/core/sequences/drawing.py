"""Configurations by chance, and what becomes of them when somebody changes the file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

from relay.model import Target
from tests.core.sequences.facts import STATUSES, AliasFacts, Facts, KeyFacts, ProviderFacts

MODELS = ("m0", "m1")
NAMES = ("p0", "p1", "p2", "p3")
KEY_STRATEGIES = ("round-robin", "random", "weighted", "least-busy")
ALIAS_STRATEGIES = ("order", "order", "weighted", "least-busy", "fastest")
LIMITS: dict[str, tuple[float, ...]] = {
    "rate_limit_rps": (0.1, 0.5, 1, 1.5, 2, 5),
    "rate_limit_rpm": (0.5, 1, 3, 10),
    "rate_limit_tpm": (10, 50, 200),
    "quota_limit": (1, 2, 5, 20),
    "max_parallel": (1, 1, 2, 3),
    "window_5h": (1, 3, 10),
    "window_1d": (2, 5, 20),
    "window_7d": (3, 10, 30),
}


class Drawer:
    """Of one course: its secrets are all different."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def facts(self, chance: Random) -> Facts:
        """A first configuration."""
        providers = {name: self._provider(chance, name) for name in NAMES[: chance.randint(1, 4)]}
        aliases = {f"a{number}": _alias(chance, tuple(providers)) for number in range(chance.randint(1, 3))}
        return _closed(Facts(providers, aliases, _queue_s(chance), chance.choice((0, 60, 600, 600))))

    def changed(self, chance: Random, facts: Facts, now_s: float) -> Facts:
        """Another one after it."""
        for _ in range(chance.randint(1, 3)):
            facts = self._changed_once(chance, facts, now_s)
        return _closed(facts)

    def storm(self, facts: Facts, name: str) -> Facts:
        """The same with one more provider, which has nothing but keys to be asked with again and again."""
        keys = tuple(self._new_key(f"k{number}") for number in range(4))
        return replace(facts, providers={**facts.providers, name: ProviderFacts(name, keys, failures=0)})

    def _changed_once(self, chance: Random, facts: Facts, now_s: float) -> Facts:
        what = chance.random()
        if what < 0.1:
            return replace(facts, queue_s=_queue_s(chance), affinity_s=chance.choice((0, 60, 600)))
        if what < 0.25:
            name = chance.choice([*facts.aliases, "a0", "a1"])
            return replace(facts, aliases={**facts.aliases, name: _alias(chance, tuple(facts.providers))})
        if what < 0.3:
            new = chance.choice(NAMES)
            return replace(facts, providers={**facts.providers, new: self._provider(chance, new)})
        if what < 0.33 and len(facts.providers) > 1:
            gone = chance.choice(list(facts.providers))
            return replace(facts, providers={name: one for name, one in facts.providers.items() if name != gone})
        name = chance.choice(list(facts.providers))
        return replace(facts, providers={**facts.providers, name: self._other(chance, facts.providers[name], now_s)})

    def _other(self, chance: Random, old: ProviderFacts, now_s: float) -> ProviderFacts:
        if chance.random() < 0.15:
            return replace(old, is_enabled=not old.is_enabled)
        if chance.random() < 0.3 or not old.keys:
            fresh = self._provider(chance, old.name)
            return replace(fresh, keys=old.keys or fresh.keys)
        return replace(old, keys=self._other_keys(chance, old.keys, now_s))

    def _other_keys(self, chance: Random, keys: tuple[KeyFacts, ...], now_s: float) -> tuple[KeyFacts, ...]:
        place = chance.randrange(len(keys))
        before, one, behind = keys[:place], keys[place], keys[place + 1 :]
        changes: list[Callable[[], tuple[KeyFacts, ...]]] = [
            lambda: (replace(one, is_enabled=not one.is_enabled),),
            lambda: (replace(one, secret=self._secret()),),
            lambda: (replace(one, limits=_limits(chance)),),
            lambda: (replace(one, limits={}),),
            lambda: (replace(one, expires_s=_expiry_s(chance, now_s)),),
            lambda: (one, self._key(chance, f"k-{self._secret()}")),
            lambda: (),
        ]
        return (*before, *chance.choice(changes)(), *behind)

    def _provider(self, chance: Random, name: str) -> ProviderFacts:
        if chance.random() < 0.3:
            keys, failures = self._keys(chance), chance.choice((0, 2, 5))
            return ProviderFacts(name, keys, failures=failures, are_numbered=chance.random() < 0.5)
        return ProviderFacts(
            name,
            self._keys(chance),
            max_parallel=chance.choice((0, 0, 0, 1, 2, 4)),
            strategy=chance.choice(KEY_STRATEGIES),
            cooldown_s=chance.choice((1, 60, 60, 600)),
            connect_s=chance.choice((1, 10)),
            first_byte_s=chance.choice((2, 30, 120)),
            idle_s=chance.choice((2, 60)),
            total_s=chance.choice((5, 60, 1800)),
            retries=chance.random() < 0.9,
            max_retries=chance.choice((0, 1, 2, 2, 2)),
            statuses=STATUSES if chance.random() < 0.8 else (429, 503),
            backoff_max_s=chance.choice((0, 2, 30)),
            failures=chance.choice((0, 1, 2, 3, 5)),
            window_s=chance.choice((1, 30)),
            open_s=chance.choice((1, 30, 120)),
            are_numbered=chance.random() < 0.3,
        )

    def _keys(self, chance: Random) -> tuple[KeyFacts, ...]:
        return tuple(self._key(chance, f"k{number}") for number in range(chance.choice((0, 1, 2, 2, 3, 4))))

    def _key(self, chance: Random, label: str) -> KeyFacts:
        return replace(
            self._new_key(label),
            is_enabled=chance.random() < 0.93,
            expires_s=_expiry_s(chance, 0) if chance.random() < 0.15 else math.inf,
            weight=chance.choice((0, 1, 1, 3)),
            limits=_limits(chance) if chance.random() < 0.5 else {},
        )

    def _new_key(self, label: str) -> KeyFacts:
        return KeyFacts(label, self._secret())

    def _secret(self) -> str:
        return f"s{next(self._numbers)}"


def _limits(chance: Random) -> dict[str, float]:
    return {option: chance.choice(LIMITS[option]) for option in chance.sample(list(LIMITS), chance.randint(1, 3))}


def _expiry_s(chance: Random, now_s: float) -> float:
    """In a whole number of milliseconds, and soon as a rule."""
    return round(now_s + 10 ** chance.uniform(-1, 5), 3)


def _queue_s(chance: Random) -> float:
    return chance.choice((0, 0, 0.5, 10, 90))


def _alias(chance: Random, providers: tuple[str, ...]) -> AliasFacts:
    return AliasFacts(
        _targets(chance, providers, chance.randint(1, 3)),
        chance.choice(ALIAS_STRATEGIES),
        chance.choice((None, None, 50, 95)),
        _targets(chance, providers, chance.choice((0, 0, 1))),
    )


def _targets(chance: Random, providers: tuple[str, ...], count: int) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(Target(chance.choice(providers), chance.choice(MODELS)) for _ in range(count)))


def _closed(facts: Facts) -> Facts:
    """As it is read: keys called as the relay calls them, no names of providers that the file does not have."""
    aliases = {
        name: replace(
            alias,
            targets=tuple(target for target in alias.targets if target.provider in facts.providers),
            fallbacks=tuple(target for target in alias.fallbacks if target.provider in facts.providers),
        )
        for name, alias in facts.aliases.items()
    }
    return replace(
        facts,
        providers={name: provider.called() for name, provider in facts.providers.items()},
        aliases={name: alias for name, alias in aliases.items() if alias.targets},
    )
