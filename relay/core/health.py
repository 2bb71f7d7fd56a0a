"""What the probes say: whether the process serves, and which providers have keys. Answered from memory."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.config.schema import Config
from relay.core.admission import Admission
from relay.core.means import Means


class Phase(enum.Enum):
    """Where the process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(slots=True)
class Lifecycle:
    """The phase, shared by whoever changes it (app) and whoever tells it (probes)."""

    phase: Phase = Phase.STARTING


MAX_STORE_GONE_S = 10.0
FULL = 0.95
"""Of `server.max_in_flight`: a balancer with another node should use that."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a balancer should send calls here. Upstreams don't count: all nodes would leave at once."""

    lifecycle: Lifecycle
    admission: Admission
    store_gone_s: Callable[[], float]
    """For how long the store could not be used."""

    def obstacle(self) -> str | None:
        """What speaks against it, in a word; None: nothing."""
        if self.lifecycle.phase is not Phase.SERVING:
            return str(self.lifecycle.phase.value)
        if self.store_gone_s() > MAX_STORE_GONE_S:
            return "store_unusable"
        return "full" if self.admission.share >= FULL else None


class Health:
    """The health document of one configuration."""

    def __init__(
        self,
        config: Config,
        means: Means,
        readiness: Readiness,
        *,
        version: str,
        now: Callable[[], datetime],
        started_at: datetime,
    ) -> None:
        self._config = config
        self._means = means
        self._readiness = readiness
        self._version = version
        self._now = now
        self._started_at = started_at

    @property
    def obstacle(self) -> str | None:
        """See Readiness."""
        return self._readiness.obstacle()

    def document(self) -> dict[str, Any]:
        """`{"status", "version", "uptime_s", "providers"}`; no URL and no key."""
        return {
            "status": "ok",
            "version": self._version,
            "uptime_s": int((self._now() - self._started_at).total_seconds()),
            "providers": {name: self._provider(name) for name in (*self._config.providers, *self._built_in())},
        }

    def _built_in(self) -> list[str]:
        return [name for name in self._means.providers if name not in self._config.providers]

    def _provider(self, name: str) -> dict[str, Any]:
        if name not in self._means.providers:
            keys = len(self._config.providers[name].keys)
            return {"enabled": False, "keys": keys, "available_keys": 0, "status": "disabled"}
        states = self._means.keyrings[name].states(self._now())
        usable = sum(state.is_usable for state in states)
        status = "ok" if usable or not states else "no_available_key"
        return {"enabled": True, "keys": len(states), "available_keys": usable, "status": status}
