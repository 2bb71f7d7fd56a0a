"""A configuration as the test knows it, so that its model need not ask the relay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from relay.config.schema import Config
from relay.config.secrets import Resolver
from relay.model import Target
from tests.core.fakes import NOW

STATUSES = (408, 409, 429, 500, 502, 503, 504, 529)
SPANS_S = {"rate_limit_rps": 1, "rate_limit_rpm": 60, "window_5h": 18_000, "window_1d": 86_400, "window_7d": 604_800}
"""Options that limit the calls in a time."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One key. No two keys have one secret, be it at different times."""

    label: str
    secret: str
    is_enabled: bool = True
    expires_s: float = math.inf
    """On the course's clock."""
    weight: int = 1
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)
    """By option, those that there are."""

    def spans(self) -> Iterator[tuple[float, int]]:
        """(seconds, calls within them), in whole calls."""
        for option, span_s in SPANS_S.items():
            limit = self.limits.get(option, 0)
            if limit > 0:
                calls = max(1, math.floor(limit))
                yield span_s * calls / limit, calls

    def document(self) -> dict[str, Any]:
        """As config.yml has it."""
        windows = {option: limit for option, limit in self.limits.items() if option.startswith("window")}
        rest = {option: limit for option, limit in self.limits.items() if option not in windows}
        ends = None if math.isinf(self.expires_s) else (NOW + timedelta(seconds=self.expires_s)).isoformat()
        return {
            "key": self.secret,
            "label": self.label,
            "enabled": self.is_enabled,
            "expires_at": ends,
            "weight": self.weight,
            "usage_window_limits": windows,
            **rest,
        }


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """One provider."""

    name: str
    keys: tuple[KeyFacts, ...] = ()
    is_enabled: bool = True
    max_parallel: int = 0
    strategy: str = "round-robin"
    cooldown_s: float = 60
    connect_s: float = 10
    first_byte_s: float = 120
    idle_s: float = 120
    total_s: float = 1800
    retries: bool = True
    max_retries: int = 2
    statuses: tuple[int, ...] = STATUSES
    backoff_max_s: float = 2
    failures: int = 5
    """Of the breaker, as the next two."""
    window_s: float = 30
    open_s: float = 30
    are_numbered: bool = False
    """Its keys have no labels of their own: each is called by its place, which changes with those before it."""

    @property
    def root(self) -> str:
        """Its base URL."""
        return f"http://{self.name}.test"

    def called(self) -> ProviderFacts:
        """With the labels that its keys have for the relay."""
        if not self.are_numbered:
            return self
        return replace(self, keys=tuple(replace(key, label=f"key-{place}") for place, key in enumerate(self.keys, 1)))

    def document(self) -> dict[str, Any]:
        """As config.yml has it."""
        return {
            "enabled": self.is_enabled,
            "base_url": self.root,
            "keys": [{**key.document(), "label": "" if self.are_numbered else key.label} for key in self.keys],
            "key_strategy": self.strategy,
            "max_parallel": self.max_parallel,
            "rate_limit_cooldown": self.cooldown_s,
            "timeout": {
                "connect": self.connect_s,
                "first_byte": self.first_byte_s,
                "idle": self.idle_s,
                "total": self.total_s,
            },
            "retry": {
                "enabled": self.retries,
                "max_retries": self.max_retries,
                "retry_on_status": list(self.statuses),
                "backoff_max": self.backoff_max_s,
            },
            "breaker": {"failures": self.failures, "window": self.window_s, "open": self.open_s},
        }


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """One name of several targets."""

    targets: tuple[Target, ...]
    strategy: str = "order"
    percentile: int | None = None
    """Of `hedge`."""
    fallbacks: tuple[Target, ...] = ()

    def document(self) -> dict[str, Any]:
        """As config.yml has it."""
        targets = [{"model": _written(target), "weight": place} for place, target in enumerate(self.targets)]
        hedge = {} if self.percentile is None else {"hedge": {"after": f"p{self.percentile}"}}
        return {"targets": targets, "strategy": self.strategy, **hedge}


@dataclass(frozen=True, slots=True)
class Facts:
    """One configuration."""

    providers: Mapping[str, ProviderFacts]
    """Those that are not enabled included."""
    aliases: Mapping[str, AliasFacts]
    queue_s: float = 0
    affinity_s: float = 600

    def targets(self, name: str) -> tuple[Target, ...]:
        """Where a call of this name may go, in no order."""
        alias = self.aliases.get(name)
        if alias is None:
            model, _, provider = name.rpartition("@")
            named: tuple[Target, ...] = (Target(provider, model),)
        else:
            named = alias.targets + alias.fallbacks
        return tuple(target for target in dict.fromkeys(named) if self._is_there(target.provider))

    def _is_there(self, provider: str) -> bool:
        return provider in self.providers and self.providers[provider].is_enabled

    def key(self, provider: str, secret: str) -> KeyFacts | None:
        """The key with this secret; None: there is none."""
        return next((key for key in self.providers[provider].keys if key.secret == secret), None)

    def config(self) -> Config:
        """The same for the relay."""
        document = {
            "providers": {name: provider.document() for name, provider in self.providers.items()},
            "model_routing": {
                "aliases": {name: alias.document() for name, alias in self.aliases.items()},
                "fallbacks": {
                    name: [_written(target) for target in alias.fallbacks]
                    for name, alias in self.aliases.items()
                    if alias.fallbacks
                },
                "affinity": {"enabled": self.affinity_s > 0, "ttl": self.affinity_s},
            },
            "key_selection": {"queue": self.queue_s},
        }
        return Config.model_validate(document, context=Resolver({}, Path("/nonexistent"), _no_file))


def _written(target: Target) -> str:
    return f"{target.model}@{target.provider}"


def _no_file(path: Path, limit_bytes: int) -> bytes:
    raise OSError(path, limit_bytes)
