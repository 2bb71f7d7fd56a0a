from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from relay.core.health import Health, Lifecycle, Phase
from relay.upstream.providers import build
from tests.config.parsing import configured

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


def health(text: str = PROVIDERS, *, lifecycle: Lifecycle | None = None, clock: Clock | None = None) -> Health:
    config = configured(text)
    return Health(
        config, build(config), lifecycle or Lifecycle(), version="1.2.3", now=clock or Clock(), started_at=START
    )


@pytest.mark.parametrize(
    ("phase", "is_ready"), [(Phase.STARTING, False), (Phase.SERVING, True), (Phase.DRAINING, False)]
)
def test_the_process_is_ready_only_while_it_serves(phase: Phase, is_ready: bool) -> None:
    assert health(lifecycle=Lifecycle(phase)).is_ready is is_ready


def test_the_phase_is_told_as_it_changes() -> None:
    lifecycle = Lifecycle()
    told = health(lifecycle=lifecycle)
    before = told.phase
    lifecycle.phase = Phase.DRAINING
    assert (before, told.phase) == ("starting", "draining")


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
