"""What the attempts of all calls have in common: providers with their keys, breakers and budgets, and clocks.

`Memory` outlives a configuration; `Means` are one configuration's view of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from relay.config.providers import ProviderConfig
from relay.config.schema import Config
from relay.core.affinity import Affinity, AffinityMemory
from relay.core.breakers import BreakerMemory, BreakerRule, Breakers
from relay.core.params import Parameters
from relay.core.retrying import RetryBudget, RetryRule
from relay.core.target_meters import TargetMeters
from relay.model import Target
from relay.upstream.keyring import Keyring, RingMemory, Shortage
from relay.upstream.providers import Provider


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time of day, one that never goes back, waiting, and chance (below 1)."""

    now: Callable[[], datetime]
    clock_s: Callable[[], float]
    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Memory:
    """What is remembered of keys, targets and providers."""

    rings: dict[str, RingMemory] = field(default_factory=dict)
    breakers: BreakerMemory = field(default_factory=BreakerMemory)
    budgets: dict[str, RetryBudget] = field(default_factory=dict)
    meters: TargetMeters = field(default_factory=TargetMeters)
    affinity: AffinityMemory = field(default_factory=AffinityMemory)


@dataclass(frozen=True, slots=True)
class Means:
    """By the provider's name."""

    providers: Mapping[str, Provider]
    keyrings: Mapping[str, Keyring]
    breakers: Breakers
    retry_rules: Mapping[str, RetryRule]
    budgets: Mapping[str, RetryBudget]
    meters: TargetMeters
    """Of targets, not of providers."""
    affinity: Affinity
    parameters: Parameters
    """For all of them."""

    def is_full(self, provider: Provider) -> bool:
        """Whether as many calls as it may have are under way there."""
        return bool(provider.max_parallel) and self.meters.provider(provider.name).in_flight >= provider.max_parallel

    def is_open(self, target: Target, now: datetime) -> bool:
        """Whether a call would not pass it over at this moment."""
        shortage = self.shortage(target, now)
        return self.breakers.rests_s(target, now) <= 0 and (shortage is None or shortage.is_over)

    def shortage(self, target: Target, now: datetime) -> Shortage | None:
        """What keeps the target's provider from being asked; None: it has no keys, and may be asked."""
        provider = self.providers[target.provider]
        if self.is_full(provider):
            return Shortage(None, are_rejected=False, is_busy=True)
        if not provider.keys:
            return None
        return self.keyrings[provider.name].shortage(now)


def means_of(config: Config, providers: Mapping[str, Provider], memory: Memory, clocks: Clocks) -> Means:
    """Those of a configuration, whose providers are given ready."""
    given = {name: config.providers.get(name, ProviderConfig()) for name in providers}
    breaker_rules = {name: _breaker_rule(one) for name, one in given.items()}
    return Means(
        providers,
        {name: _keyring(provider, memory, clocks) for name, provider in providers.items()},
        Breakers(memory.breakers, breaker_rules.__getitem__),
        {name: _retry_rule(one) for name, one in given.items()},
        {name: memory.budgets.setdefault(name, RetryBudget()) for name in providers},
        memory.meters,
        _affinity(config, memory),
        Parameters(config),
    )


def _affinity(config: Config, memory: Memory) -> Affinity:
    given = config.model_routing.affinity
    return Affinity(memory.affinity, given.ttl_s if given.enabled else 0)


def _keyring(provider: Provider, memory: Memory, clocks: Clocks) -> Keyring:
    ring = memory.rings.setdefault(provider.name, RingMemory())
    return Keyring(
        provider.keys, ring, strategy=provider.strategy, random=clocks.random, cooldown_s=provider.cooldown_s
    )


def _breaker_rule(given: ProviderConfig) -> BreakerRule:
    return BreakerRule(given.breaker.failures, given.breaker.window_s, given.breaker.open_s)


def _retry_rule(given: ProviderConfig) -> RetryRule:
    retry = given.retry
    return RetryRule(
        retry.enabled, retry.max_retries, frozenset(retry.retry_on_status), retry.backoff_factor, retry.backoff_max_s
    )
