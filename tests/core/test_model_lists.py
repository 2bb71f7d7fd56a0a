"""The lists of models in the background: whom it asks, when, and what it does with the answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import pytest

from relay.core.catalog import catalog_of
from relay.core.list_keeping import Origin
from relay.core.means import Clocks
from relay.core.model_lists import AT_ONCE, INTERVAL_S, ModelLists
from relay.core.routing import plan
from relay.errors import StoreError
from relay.model import Dialect, Target
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Transport
from tests.config.parsing import configured
from tests.conftest import StartUpstream
from tests.core.fakes import HANG, NOW, FakeCall, FakeTransport, providers_of
from tests.support.scripted import Out, Received, Script, answers, in_turn
from tests.support.transports import direct_transport

KEY, OTHER_KEY = "sk-canary-a-0123456789", "sk-canary-b-0123456789"
Captured = pytest.LogCaptureFixture


def listed(*names: str) -> tuple[ListedModel, ...]:
    return tuple(ListedModel(name) for name in names)


def page(*names: str) -> bytes:
    return orjson.dumps({"object": "list", "data": [{"id": name} for name in names]})


def provider_block(url: str, more: str = "") -> str:
    return f"{{base_url: '{url}', keys: [{{key: {KEY}}}]{more}}}"


def one(url: str, more: str = "") -> dict[str, Provider]:
    return providers_of(f"providers: {{up: {provider_block(url, more)}}}")


class Naps:
    """Who sleeps, and for how long; nobody wakes up by itself."""

    def __init__(self) -> None:
        self._begun: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    async def sleep(self, delay_s: float) -> None:
        wakes = asyncio.Event()
        self._begun.put_nowait((delay_s, wakes))
        await wakes.wait()

    async def next(self) -> tuple[float, asyncio.Event]:
        """The next that begins: how long, and what ends it."""
        return await asyncio.wait_for(self._begun.get(), 10)

    async def turn(self) -> float:
        """The next that begins is over at once. How long it was to be."""
        delay_s, wakes = await self.next()
        wakes.set()
        return delay_s

    @property
    def has_begun(self) -> bool:
        return not self._begun.empty()


@dataclass
class MemoryShelf:
    """Keeps lists in memory; `broken` makes it refuse them."""

    kept: dict[Origin, tuple[ListedModel, ...]] = field(default_factory=dict)
    broken: StoreError | None = None
    writes: int = 0

    async def read(self) -> dict[Origin, tuple[ListedModel, ...]]:
        return dict(self.kept)

    async def keep(self, origin: Origin, models: tuple[ListedModel, ...]) -> None:
        if self.broken is not None:
            raise self.broken
        self.writes += 1
        self.kept[origin] = models


@dataclass
class Bench:
    """Lists over transports, with everything they are given at hand."""

    transports: Mapping[str, Transport]
    """By the provider's name."""
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    chance: float = 0.0
    naps: Naps = field(default_factory=Naps)
    changes: int = 0

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: NOW, lambda: 0.0, lambda: self.chance, self.naps.sleep)
        self.lists = ModelLists(self.shelf, lambda provider: self.transports[provider.name], clocks, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def known(self) -> dict[str, tuple[ListedModel, ...]]:
        return dict(self.lists.lists)

    @asynccontextmanager
    async def following(self, providers: Mapping[str, Provider]) -> AsyncIterator[None]:
        self.lists.follow(providers)
        async with self.lists.keeping():
            yield


@pytest.fixture
async def direct() -> AsyncIterator[Transport]:
    async with direct_transport() as made:
        yield made


async def test_what_a_provider_tells_is_known_and_kept(direct: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, page("a", "b")))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        await bench.naps.next()
        assert bench.known == {"up": listed("a", "b")}
        assert bench.changes == 1
    assert list(bench.shelf.kept.values()) == [listed("a", "b")]
    assert upstream.received[0].header("Authorization") == f"Bearer {KEY}"


async def test_it_is_asked_again_each_hour(direct: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(in_turn(answers(200, page("a")), answers(200, page("a")), answers(200, page("b"))))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        assert [await bench.naps.turn(), await bench.naps.turn()] == [INTERVAL_S, INTERVAL_S]
        await bench.naps.next()
        assert (bench.known, bench.changes, bench.shelf.writes) == ({"up": listed("b")}, 2, 2)


async def test_relays_do_not_ask_at_the_same_moments(direct: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, page("a")))
    bench = Bench({"up": direct}, chance=0.5)
    async with bench.following(one(upstream.url)):
        assert await bench.naps.turn() == INTERVAL_S * 0.9


@pytest.mark.parametrize(
    ("block", "is_asked"),
    [
        ("", True),
        (", models: {exclude: [a]}", True),
        (", models: {include: [a, 'b*']}", True),
        (", models: {include: [a]}", False),
        (", provider_type: azure", False),
        (", enabled: false", False),
    ],
)
async def test_asked_is_who_may_have_models_that_are_not_named(block: str, is_asked: bool) -> None:
    transport = FakeTransport(FakeCall(page("a")))
    bench = Bench({"up": transport})
    async with bench.following(one("http://up.invalid", block)):
        await asyncio.sleep(0)  # Its task, where it has one, gets as far as the transport.
        await asyncio.sleep(0)
        assert len(transport.requests) == int(is_asked)


async def test_the_demo_provider_is_not_asked() -> None:
    bench = Bench({})
    async with bench.following(providers_of("{}")):
        await asyncio.sleep(0)
    assert bench.known == {}


async def test_a_failure_leaves_what_was_known_and_is_tried_again_ever_more_rarely(
    direct: Transport, start_upstream: StartUpstream, caplog: Captured
) -> None:
    upstream = await start_upstream(in_turn(answers(200, page("a")), answers(500, b"")))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        waits = [await bench.naps.turn() for _ in range(10)]
        assert waits == [INTERVAL_S, 30, 60, 120, 240, 480, 960, 1920, INTERVAL_S, INTERVAL_S]
        assert (bench.known, bench.changes) == ({"up": listed("a")}, 1)
        upstream.script = answers(200, page("a"))
        while await bench.naps.turn() != INTERVAL_S or len(upstream.received) < 13:
            pass
        upstream.script = answers(500, b"")
        while await bench.naps.turn() != 30:  # Counted anew.
            pass
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["provider up does not tell its models (status 500): `monorelay provider test up` says more"] * 2


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (answers(200, b"<html>"), "bad_upstream_event"),
        (answers(401, b""), "status 401"),
        (answers(403, orjson.dumps({"error": {"message": f"{KEY}\nforged line", "code": "no"}})), "status 403"),
        (answers(302, b""), "upstream_redirect"),
    ],
)
async def test_a_failure_is_told_once_without_a_word_of_the_providers(
    direct: Transport, start_upstream: StartUpstream, caplog: Captured, script: Script, why: str
) -> None:
    upstream = await start_upstream(script)
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        assert [await bench.naps.turn(), await bench.naps.turn()] == [30, 60]
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == (
        f"provider up does not tell its models ({why}): `monorelay provider test up` says more"
    )


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_provider_without_the_endpoint_is_asked_once_a_day(
    direct: Transport, start_upstream: StartUpstream, caplog: Captured, status: int
) -> None:
    upstream = await start_upstream(answers(status, b""))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        assert [await bench.naps.turn(), await bench.naps.turn()] == [86_400, 86_400]
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == "provider up has no list of models: name them in its models.include"


@pytest.mark.parametrize(("asked_s", "wait_s"), [(5, 30), (120, 120), (7200, INTERVAL_S)])
async def test_a_provider_may_say_when_it_is_to_be_asked_again(
    direct: Transport, start_upstream: StartUpstream, asked_s: int, wait_s: float
) -> None:
    upstream = await start_upstream(answers(429, b"", [("Retry-After", str(asked_s))]))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        assert await bench.naps.turn() == wait_s


async def test_only_a_few_are_asked_at_once() -> None:
    names = [f"up{number}" for number in range(AT_ONCE + 2)]
    transports = {name: FakeTransport(HANG) for name in names}
    blocks = ", ".join(f"{name}: {provider_block(f'http://{name}.invalid')}" for name in names)
    bench = Bench(transports)
    async with bench.following(providers_of(f"providers: {{{blocks}}}")):
        async with asyncio.timeout(10):
            for name in names[:AT_ONCE]:
                await transports[name].hangs.wait()
        assert [len(transport.requests) for transport in transports.values()] == [1] * AT_ONCE + [0, 0]


async def test_who_sleeps_takes_nobodys_place() -> None:
    names = [f"up{number}" for number in range(AT_ONCE * 3)]
    transports = {name: FakeTransport(FakeCall(page(name))) for name in names}
    blocks = ", ".join(f"{name}: {provider_block(f'http://{name}.invalid')}" for name in names)
    bench = Bench(transports)
    async with bench.following(providers_of(f"providers: {{{blocks}}}")):
        for _ in names:
            await bench.naps.next()
        assert bench.known == {name: listed(name) for name in names}


async def test_leaving_ends_what_is_under_way(direct: Transport, start_upstream: StartUpstream) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def hangs(request: Received, out: Out) -> None:
        asked.set()
        await out.peer_left()
        left.set()

    upstream = await start_upstream(hangs)
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        await asyncio.wait_for(asked.wait(), 10)
    await asyncio.wait_for(left.wait(), 10)


async def test_a_configuration_without_a_provider_ends_its_part_and_one_with_it_begins_it_again(
    direct: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, page("a")))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        _, wakes = await bench.naps.next()
        bench.lists.follow(providers_of("{}"))
        assert bench.known == {}
        wakes.set()
        await asyncio.sleep(0)
        assert not bench.naps.has_begun
        bench.lists.follow(one(upstream.url))
        assert bench.known == {"up": listed("a")}  # It is still known: nothing is gone while it is asked.
        await bench.naps.next()
    assert (len(upstream.received), bench.changes) == (2, 1)


async def test_a_configuration_that_changes_nothing_of_a_provider_leaves_it_asleep() -> None:
    transport = FakeTransport(FakeCall(page("a")), FakeCall(page("b")))
    bench = Bench({"up": transport})
    async with bench.following(one("http://up.invalid")):
        await bench.naps.next()
        bench.lists.follow(one("http://up.invalid", ", models: {exclude: [b]}, timeout: 5"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert (len(transport.requests), bench.naps.has_begun) == (1, False)


@pytest.mark.parametrize(
    "more", [f", keys: [{{key: {OTHER_KEY}}}]", ", headers: {X-Org: other}", ", http_client: aiohttp"]
)
async def test_a_configuration_that_changes_how_a_provider_is_asked_has_it_asked_at_once(
    direct: Transport, start_upstream: StartUpstream, more: str
) -> None:
    upstream = await start_upstream(in_turn(answers(401, b""), answers(200, page("a"))))
    bench = Bench({"up": direct})
    keys = "" if more.startswith(", keys") else f", keys: [{{key: {KEY}}}]"
    async with bench.following(one(upstream.url)):
        await bench.naps.next()
        bench.lists.follow(providers_of(f"providers: {{up: {{base_url: '{upstream.url}'{keys}{more}}}}}"))
        await bench.naps.next()
        assert bench.known == {"up": listed("a")}


async def test_the_same_name_at_another_address_is_another_provider(
    direct: Transport, start_upstream: StartUpstream
) -> None:
    first, second = await start_upstream(answers(200, page("a"))), await start_upstream(answers(500, b""))
    bench = Bench({"up": direct})
    async with bench.following(one(first.url)):
        await bench.naps.next()
        bench.lists.follow(one(second.url))
        assert bench.known == {}
        await bench.naps.next()
        assert bench.known == {}
        bench.lists.follow(one(first.url))
        assert bench.known == {"up": listed("a")}


async def test_what_was_kept_is_known_from_the_start(direct: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(in_turn(answers(200, page("a")), answers(500, b"")))
    shelf = MemoryShelf()
    first = Bench({"up": direct}, shelf)
    async with first.following(one(upstream.url)):
        await first.naps.next()
    second = Bench({"up": direct}, shelf)
    async with second.following(one(upstream.url)):
        assert second.known == {"up": listed("a")}
        await second.naps.next()
        assert (second.known, second.changes) == ({"up": listed("a")}, 0)


async def test_a_store_that_does_not_take_it_loses_nothing(
    direct: Transport, start_upstream: StartUpstream, caplog: Captured
) -> None:
    upstream = await start_upstream(answers(200, page("a")))
    bench = Bench({"up": direct}, MemoryShelf(broken=StoreError("the disk is full")))
    async with bench.following(one(upstream.url)):
        _, wakes = await bench.naps.next()
        assert (bench.known, bench.changes) == ({"up": listed("a")}, 1)
        bench.shelf.broken = None
        wakes.set()
        await bench.naps.next()
        assert list(bench.shelf.kept.values()) == [listed("a")]
    assert "the models of provider up can't be kept: the disk is full" in caplog.messages


async def test_a_store_that_can_not_be_read_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreadable(MemoryShelf):
        async def read(self) -> dict[Origin, tuple[ListedModel, ...]]:
            raise StoreError("gone")

    with pytest.raises(StoreError):
        async with Bench({}, Unreadable()).following({}):
            raise AssertionError


async def test_no_secret_is_logged(direct: Transport, start_upstream: StartUpstream, caplog: Captured) -> None:
    caplog.set_level(logging.DEBUG)
    words = orjson.dumps({"error": {"message": f"{KEY} is wrong", "code": KEY, "type": KEY}})
    upstream = await start_upstream(in_turn(answers(401, words), answers(400, words), answers(500, words)))
    bench = Bench({"up": direct})
    async with bench.following(one(upstream.url)):
        for _ in range(4):
            await bench.naps.turn()
    assert KEY not in caplog.text
    assert len(caplog.records) >= 4


async def test_a_catalog_that_is_built_at_a_change_routes_by_what_was_told(
    direct: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(in_turn(answers(200, page("a")), answers(200, page("a", "b"))))
    config = configured(f"providers: {{up: {provider_block(upstream.url)}}}")
    providers = build(config)
    bench = Bench({"up": direct})
    async with bench.following(providers):
        _, wakes = await bench.naps.next()
        before = catalog_of(config, providers, (), bench.lists.lists)
        wakes.set()
        await bench.naps.next()
        after = catalog_of(config, providers, (), bench.lists.lists)
    assert (before.names(), after.names()) == (["a"], ["a", "b"])
    assert plan(after, "B", Dialect.CHAT).targets == (Target("up", "b"),)
