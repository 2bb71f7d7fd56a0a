"""What the probes say: whether the process serves, and which providers have keys. Answered from memory."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.config.schema import Config
from relay.upstream.providers import Provider


class Phase(enum.Enum):
    """Where the process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(slots=True)
class Lifecycle:
    """The phase, shared by whoever changes it (app) and whoever tells it (probes)."""

    phase: Phase = Phase.STARTING


class Health:
    """The health document of one configuration."""

    def __init__(
        self,
        config: Config,
        providers: Mapping[str, Provider],
        lifecycle: Lifecycle,
        *,
        version: str,
        now: Callable[[], datetime],
        started_at: datetime,
    ) -> None:
        self._config = config
        self._providers = providers
        self._lifecycle = lifecycle
        self._version = version
        self._now = now
        self._started_at = started_at

    @property
    def is_ready(self) -> bool:
        """Whether a balancer should send calls. Upstreams don't count: all nodes would leave at once."""
        return self._lifecycle.phase is Phase.SERVING

    @property
    def phase(self) -> str:
        """The phase's name."""
        return self._lifecycle.phase.value

    def document(self) -> dict[str, Any]:
        """`{"status", "version", "uptime_s", "providers"}`; no URL and no key."""
        return {
            "status": "ok",
            "version": self._version,
            "uptime_s": int((self._now() - self._started_at).total_seconds()),
            "providers": {name: self._provider(name) for name in (*self._config.providers, *self._built_in())},
        }

    def _built_in(self) -> list[str]:
        return [name for name in self._providers if name not in self._config.providers]

    def _provider(self, name: str) -> dict[str, Any]:
        provider, now = self._providers.get(name), self._now()
        if provider is None:
            keys = len(self._config.providers[name].keys)
            return {"enabled": False, "keys": keys, "available_keys": 0, "status": "disabled"}
        usable = sum(key.is_good(now) for key in provider.keys)
        status = "ok" if usable or not provider.keys else "no_available_key"
        return {"enabled": True, "keys": len(provider.keys), "available_keys": usable, "status": status}
