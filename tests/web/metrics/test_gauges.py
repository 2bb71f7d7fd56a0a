"""What is looked at when somebody asks: keys, breakers, the line, the books, the configuration file."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from relay.commands.places import CHECKS
from relay.config.source import ConfigSource
from relay.errors import StoreError
from relay.reloading import Reloader
from relay.state import World
from relay.version import VERSION
from tests.conftest import StartRelay, StartUpstream
from tests.support.clients import Callers, chat_request
from tests.support.running import ACCESS_KEY, RunningRelay, configuration, provider
from tests.support.scraping import scraped
from tests.support.scripted import Out, Received, Script, answers, in_turn

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = answers(200, b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}')
NOWHERE = "http://127.0.0.1:9"
HELLO = [{"role": "user", "content": "Hello"}]
JSON = ("Content-Type", "application/json")


class Clock:
    """The time of day, which goes on when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def asked(http: aiohttp.ClientSession, relay: RunningRelay, model: str = "m") -> int:
    """The status of one call."""
    async with http.post(f"{relay.openai_url}/chat/completions", json={"model": model, "messages": HELLO}) as answer:
        await answer.read()
        return answer.status


async def keys(relay: RunningRelay) -> dict[tuple[str, ...], float]:
    return (await scraped(relay.url)).values("monorelay_key_available", "provider", "key")


async def breakers(relay: RunningRelay) -> dict[tuple[str, ...], float]:
    return (await scraped(relay.url)).values("monorelay_breaker_state", "provider", "model")


def limited(wait_s: int) -> Script:
    return answers(429, b'{"error":{"message":"slow down"}}', [JSON, ("Retry-After", str(wait_s))])


async def test_a_key_that_rests_is_not_available_until_it_has_rested(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, clock: Clock
) -> None:
    upstream = await start_upstream(in_turn(limited(30), GOOD))
    up = provider(upstream.url, keys=2, default=True)
    relay = await start_relay({"up": up}, world=World(now=clock))
    assert await keys(relay) == {("up", "key-1"): 1, ("up", "key-2"): 1}
    assert await asked(http, relay) == 200
    assert await keys(relay) == {("up", "key-1"): 0, ("up", "key-2"): 1}
    clock.passes(29)
    assert (await keys(relay))["up", "key-1"] == 0
    clock.passes(1)
    assert await keys(relay) == {("up", "key-1"): 1, ("up", "key-2"): 1}


async def test_a_key_that_is_off_or_expired_is_not_available(start_relay: StartRelay, clock: Clock) -> None:
    given = [
        {"key": "sk-off", "label": "off", "enabled": False},
        {"key": "sk-old", "label": "old", "expires_at": "2026-11-24T12:00:01Z"},
    ]
    relay = await start_relay({"up": {"base_url": NOWHERE, "keys": given}}, world=World(now=clock))
    assert await keys(relay) == {("up", "off"): 0, ("up", "old"): 1}
    clock.passes(1)
    assert await keys(relay) == {("up", "off"): 0, ("up", "old"): 0}


async def test_providers_and_keys_are_those_of_the_configuration_in_force(start_relay: StartRelay) -> None:
    relay = await start_relay({"up": provider(NOWHERE, keys=2), "off": provider(NOWHERE, enabled=False)})
    assert set(await keys(relay)) == {("up", "key-1"), ("up", "key-2")}
    assert set(await breakers(relay)) == {("up", ""), ("demo", "")}
    relay.front.adopt(configuration({"other": provider(NOWHERE)}))
    assert set(await keys(relay)) == {("other", "key-1")}
    assert set(await breakers(relay)) == {("other", ""), ("demo", "")}


async def test_a_target_that_fails_again_and_again_is_seen_to_rest_and_to_come_back(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, clock: Clock
) -> None:
    broken = answers(500, b'{"error":{"message":"broken"}}')
    upstream = await start_upstream(broken)
    rule = {"failures": 2, "window": 30, "open": 10}
    up = provider(upstream.url, models={"include": ["Known"]}, default=True, breaker=rule, retry={"enabled": False})
    relay = await start_relay({"up": up}, world=World(now=clock))
    assert await breakers(relay) == {("up", ""): 0, ("demo", ""): 0}
    for model in ("known", "known", "one of a client's", "another of a client's"):
        assert await asked(http, relay, model) == 500
    assert await breakers(relay) == {("up", ""): 0, ("up", "Known"): 1, ("up", "other"): 0, ("demo", ""): 0}
    clock.passes(10)
    assert (await breakers(relay))["up", "Known"] == 2
    upstream.script = GOOD
    assert await asked(http, relay, "known") == 200
    assert await breakers(relay) == {("up", ""): 0, ("up", "other"): 0, ("demo", ""): 0}


async def test_of_several_models_that_nobody_knows_the_worst_is_told(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, clock: Clock
) -> None:
    upstream = await start_upstream(answers(500, b"{}"))
    rule = {"failures": 2, "window": 30, "open": 10}
    up = provider(upstream.url, default=True, breaker=rule, retry={"enabled": False})
    relay = await start_relay({"up": up}, world=World(now=clock))
    for model in ("a", "b", "b", "c"):
        await asked(http, relay, model)
    assert (await breakers(relay))["up", "other"] == 1
    clock.passes(10)
    assert (await breakers(relay))["up", "other"] == 2
    relay.front.adopt(configuration({"elsewhere": provider(NOWHERE)}))
    assert set(await breakers(relay)) == {("elsewhere", ""), ("demo", "")}


async def test_a_provider_that_can_not_be_reached_is_seen_to_be_down(
    start_relay: StartRelay, http: aiohttp.ClientSession, clock: Clock
) -> None:
    relay = await start_relay({"up": provider(NOWHERE, default=True)}, world=World(now=clock))
    assert await asked(http, relay) == 502
    assert await breakers(relay) == {("up", ""): 1, ("demo", ""): 0}
    clock.passes(5)
    assert (await breakers(relay))["up", ""] == 2


class Gate:
    """An upstream whose answers wait."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, request: Received, out: Out) -> None:
        self.came.set()
        await self.go_on.wait()
        await GOOD(request, out)


async def test_calls_under_way_and_in_line_are_told(
    start_relay: StartRelay, start_upstream: StartUpstream, call: Callers
) -> None:
    gate = Gate()
    upstream = await start_upstream(gate)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server={"max_in_flight": 1})
    for _ in range(3):
        await call(relay.port, chat_request(stream=False))
    await gate.came.wait()
    async with asyncio.timeout(10):
        while relay.state.admission.waiting < 2:  # noqa: ASYNC110 - nobody is told of who comes
            await asyncio.sleep(0)
    scrape = await scraped(relay.url)
    assert (scrape.value("monorelay_in_flight"), scrape.value("monorelay_waiting")) == (1, 2)
    gate.go_on.set()
    await relay.records(3)
    scrape = await scraped(relay.url)
    assert (scrape.value("monorelay_in_flight"), scrape.value("monorelay_waiting")) == (0, 0)


async def test_records_that_wait_for_the_store_are_told_with_how_long(
    start_relay: StartRelay, http: aiohttp.ClientSession, clock: Clock
) -> None:
    relay = await start_relay(world=World(now=clock))
    relay.store.broken = StoreError("it is locked")
    for _ in range(2):
        assert await asked(http, relay, "demo") == 200
    clock.passes(60)
    scrape = await scraped(relay.url)
    assert scrape.value("monorelay_ledger_waiting_records") == 2
    assert 59 < scrape.value("monorelay_ledger_lag_seconds") <= 60
    relay.store.broken = None
    await relay.records(2)
    scrape = await scraped(relay.url)
    assert scrape.value("monorelay_ledger_waiting_records") == scrape.value("monorelay_ledger_lag_seconds") == 0


async def test_refused_credentials_are_told_by_their_kind(start_relay: StartRelay) -> None:
    relay = await start_relay()
    for wrong in ("wrong", "a.b.c", "also wrong", "sk-mr-" + "a" * 43):
        async with aiohttp.request("GET", f"{relay.url}/metrics", headers={"x-api-key": wrong}) as answer:
            assert answer.status == 401
    refused = (await scraped(relay.url)).values("monorelay_refused_credentials_total", "kind")
    assert refused == {("access_key",): 2, ("access_token",): 1, ("api_key",): 1}


async def test_a_bad_file_is_told_until_a_good_one_is_there(start_relay: StartRelay, tmp_path: Path) -> None:
    relay, clock, path = await start_relay(), Clock(), tmp_path / "config.yml"
    good = f"server: {{host: 127.0.0.1, access_key: {ACCESS_KEY}}}"
    path.write_text(good)
    source = ConfigSource(path, {}, CHECKS)
    loaded = source.load()
    reloader = Reloader(source, loaded, loaded.config, relay.front.adopt, clock)
    relay.state.reload_status = lambda: reloader.status

    async def told() -> tuple[float, float, float, float]:
        scrape = await scraped(relay.url)
        results = scrape.values("monorelay_config_reloads_total", "result")
        assert set(results) == {("success",), ("failure",)}
        since_s = scrape.value("monorelay_config_last_reload_timestamp_seconds")
        failed = scrape.value("monorelay_config_reload_failed")
        return failed, results["success",], results["failure",], since_s

    started_s = NOW.timestamp()
    assert await told() == (0, 0, 0, started_s)
    clock.passes(100)
    path.write_text("unheard: of")
    await reloader.reload()
    assert await told() == (1, 0, 1, started_s)
    path.write_text(good)
    await reloader.reload()
    assert await told() == (0, 1, 1, started_s + 100)


async def test_where_nothing_follows_a_file_none_has_failed(start_relay: StartRelay, clock: Clock) -> None:
    relay = await start_relay(world=World(now=clock))
    scrape = await scraped(relay.url)
    assert scrape.value("monorelay_config_reload_failed") == 0
    assert scrape.value("monorelay_config_last_reload_timestamp_seconds") == NOW.timestamp()


async def test_the_version_is_told(start_relay: StartRelay) -> None:
    relay = await start_relay()
    assert (await scraped(relay.url)).values("monorelay_build_info", "version") == {(VERSION,): 1}
