from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from relay.core.admission import Admission, AdmissionRule
from relay.core.health import Health, Lifecycle, Phase, Readiness
from relay.core.means import Memory, means_of
from relay.errors import Blame
from relay.upstream.providers import build
from tests.config.parsing import configured
from tests.core.fakes import fake_clocks

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECRET = "sk-canary-0123456789"
PROVIDERS = f"""
providers:
  full: {{base_url: 'http://inner.host', keys: [{{key: {SECRET}}}, {{key: b}}, {{key: c, enabled: false}}]}}
  spent: {{base_url: 'http://inner.host', keys: [{{key: a, expires_at: 2026-07-01T12:00:10Z}}]}}
  keyless: {{base_url: 'http://inner.host'}}
  off: {{enabled: false, keys: [{{key: a}}]}}
"""


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def health(text: str = PROVIDERS, *, clock: Clock | None = None, memory: Memory | None = None) -> Health:
    config, now = configured(text), clock or Clock()
    clocks = replace(fake_clocks(), now=now)
    means = means_of(config, build(config), memory or Memory(), clocks)
    return Health(config, means, READY, version="1.2.3", now=now, started_at=START)


READY = Readiness(Lifecycle(Phase.SERVING), Admission(), lambda: 0.5)


@pytest.mark.parametrize(
    ("phase", "obstacle"), [(Phase.STARTING, "starting"), (Phase.SERVING, None), (Phase.DRAINING, "draining")]
)
def test_the_process_is_ready_only_while_it_serves(phase: Phase, obstacle: str | None) -> None:
    assert replace(READY, lifecycle=Lifecycle(phase)).obstacle() == obstacle


@pytest.mark.parametrize(("gone_s", "obstacle"), [(10, None), (10.1, "store_unusable")])
def test_it_is_not_ready_once_the_store_was_gone_for_a_while(gone_s: float, obstacle: str | None) -> None:
    assert replace(READY, store_gone_s=lambda: gone_s).obstacle() == obstacle


@pytest.mark.parametrize(("in_flight", "obstacle"), [(94, None), (95, "full"), (100, "full")])
def test_it_is_not_ready_while_it_is_nearly_full(in_flight: int, obstacle: str | None) -> None:
    admission = Admission(AdmissionRule(max_in_flight=100))
    admission.in_flight = in_flight
    assert replace(READY, admission=admission).obstacle() == obstacle


def test_a_key_that_rests_is_not_available() -> None:
    memory = Memory()
    told = health(memory=memory)
    for known in memory.rings["full"].keys.values():
        known.standing.blamed(Blame.KEY_LIMITED, 60, START.timestamp(), cooldown_s=60)
    full = told.document()["providers"]["full"]
    assert (full["available_keys"], full["status"]) == (0, "no_available_key")


def test_the_document_tells_version_and_whole_seconds_since_the_start() -> None:
    clock = Clock()
    told = health(clock=clock)
    clock.time += timedelta(seconds=90, milliseconds=900)
    document = told.document()
    assert (document["status"], document["version"], document["uptime_s"]) == ("ok", "1.2.3", 90)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full", {"enabled": True, "keys": 3, "available_keys": 2, "status": "ok"}),
        ("spent", {"enabled": True, "keys": 1, "available_keys": 1, "status": "ok"}),
        ("keyless", {"enabled": True, "keys": 0, "available_keys": 0, "status": "ok"}),
        ("off", {"enabled": False, "keys": 1, "available_keys": 0, "status": "disabled"}),
        ("demo", {"enabled": True, "keys": 0, "available_keys": 0, "status": "ok"}),
    ],
)
def test_each_provider_tells_its_keys(name: str, expected: dict[str, object]) -> None:
    assert health().document()["providers"][name] == expected


def test_a_provider_whose_last_key_expired_says_so() -> None:
    clock = Clock()
    told = health(clock=clock)
    clock.time += timedelta(seconds=10)
    assert told.document()["providers"]["spent"]["status"] == "no_available_key"


def test_providers_stand_in_the_order_of_the_file_and_the_built_in_one_last() -> None:
    assert list(health().document()["providers"]) == ["full", "spent", "keyless", "off", "demo"]


def test_a_demo_provider_that_is_switched_off_is_shown_as_such() -> None:
    document = health("providers: {demo: {provider_type: demo, enabled: false}}").document()
    assert document["providers"] == {"demo": {"enabled": False, "keys": 0, "available_keys": 0, "status": "disabled"}}


def test_the_document_holds_no_key_and_no_address() -> None:
    text = orjson.dumps(health().document()).decode()
    assert [word for word in (SECRET, "inner.host", "http") if word in text] == []
