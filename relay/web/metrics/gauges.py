"""What is looked at when somebody asks, and costs no call anything: of the configuration in force, and no other."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client.metrics_core import Metric

from relay.core.admission import Admission
from relay.core.breakers import BreakerState
from relay.core.ledger import Ledger
from relay.core.means import Means
from relay.core.metrics import ModelLabels, Series
from relay.core.metrics.labels import NONE, bounded
from relay.core.metrics.series import Labels, within
from relay.core.refusals import Kind, Refusals
from relay.core.reload_status import ReloadStatus
from relay.web.metrics.families import counter_of, gauge

IN_FLIGHT = Series("monorelay_in_flight", "Calls under way (server.max_in_flight bounds them).")
WAITING = Series("monorelay_waiting", "Calls that stand in line for a place among those under way (server.queue).")
KEY_AVAILABLE = Series(
    "monorelay_key_available",
    "1: a call may use the key now; 0: it is disabled, expired, at a limit of its own, rests, or is rejected.",
    ("provider", "key"),
)
BREAKER_STATE = Series(
    "monorelay_breaker_state",
    "0: calls go there, 1: none do, 2: one at a time, as a trial. Without a model: the provider as a whole.",
    ("provider", "model"),
)
RELOAD_FAILED = Series("monorelay_config_reload_failed", "1: the file as it is now is bad, an older text is in force.")
RELOADS = Series("monorelay_config_reloads_total", "Files that took over, and files that were found bad.", ("result",))
LAST_RELOAD = Series(
    "monorelay_config_last_reload_timestamp_seconds", "When the text in force came into force, since 1970."
)
REFUSED = Series(
    "monorelay_refused_credentials_total", "Credentials that were presented and are none, by their shape.", ("kind",)
)
LEDGER_WAITING = Series("monorelay_ledger_waiting_records", "Records of calls that are not stored yet.")
LEDGER_LAG = Series("monorelay_ledger_lag_seconds", "How long ago the oldest call ended whose record is not stored.")
BUILD = Series("monorelay_build_info", "What is running.", ("version", "python"))

STATES = {BreakerState.CLOSED: 0, BreakerState.OPEN: 1, BreakerState.HALF_OPEN: 2}
_FROM_GOOD_TO_BAD = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


@dataclass(frozen=True, slots=True)
class Watched:
    """Where to look."""

    admission: Admission
    ledger: Ledger
    refusals: Refusals
    means: Means
    models: ModelLabels
    reload_status: Callable[[], ReloadStatus | None]
    """None where nothing follows a file."""
    now: Callable[[], datetime]
    started_at: datetime
    version: str

    def families(self) -> Iterator[Metric]:
        """All of it as it is at this moment."""
        now = self.now()
        yield gauge(IN_FLIGHT, {(): self.admission.in_flight})
        yield gauge(WAITING, {(): self.admission.waiting})
        yield gauge(KEY_AVAILABLE, _keys(self.means, now))
        yield gauge(BREAKER_STATE, _breakers(self.means, self.models, now))
        yield from _reloading(self.reload_status() or ReloadStatus("", self.started_at))
        yield counter_of(REFUSED, {(_word(kind),): self.refusals.counts[kind] for kind in Kind})
        yield gauge(LEDGER_WAITING, {(): self.ledger.waiting})
        yield gauge(LEDGER_LAG, {(): _lag_s(self.ledger, now)})
        yield gauge(BUILD, {(self.version, platform.python_version()): 1})


def _keys(means: Means, now: datetime) -> dict[Labels, float]:
    """Of several under one label set, whether all are available."""
    found: dict[Labels, float] = {}
    for provider, keyring in means.keyrings.items():
        for key in keyring.states(now):
            labels = within(KEY_AVAILABLE, (bounded(provider), bounded(key.label)), found)
            found[labels] = min(found.get(labels, 1), key.is_usable)
    return found


def _breakers(means: Means, models: ModelLabels, now: datetime) -> dict[Labels, float]:
    """Of several under one label set, the worst."""
    found: dict[Labels, BreakerState] = {}
    for labels, state in _breaker_states(means, models, now):
        labels = within(BREAKER_STATE, labels, found)
        found[labels] = max(state, found.get(labels, state), key=_FROM_GOOD_TO_BAD.index)
    return {labels: STATES[state] for labels, state in found.items()}


def _breaker_states(means: Means, models: ModelLabels, now: datetime) -> Iterator[tuple[Labels, BreakerState]]:
    for provider in means.providers:
        yield (bounded(provider), NONE), means.breakers.of_provider(provider, now)
    for target, state in means.breakers.of_targets(now):
        if target.provider in means.providers:
            yield (bounded(target.provider), models.of(target.model)), state


def _reloading(status: ReloadStatus) -> Iterable[Metric]:
    yield gauge(RELOAD_FAILED, {(): bool(status.problems)})
    yield counter_of(RELOADS, {("success",): status.reloads, ("failure",): status.failures})
    yield gauge(LAST_RELOAD, {(): status.since.timestamp()})


def _word(kind: Kind) -> str:
    return kind.value.lower().replace(" ", "_")


def _lag_s(ledger: Ledger, now: datetime) -> float:
    oldest = ledger.oldest
    if oldest is None:
        return 0
    ended_at = oldest.received_at + timedelta(milliseconds=oldest.latency_ms)
    return max(0, (now - ended_at).total_seconds())
