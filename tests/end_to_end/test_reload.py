"""A daemon that is given another configuration: calls under way are not touched, the next ones go by the new one."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.commands.places import CHECKS
from relay.config.schema import Config
from relay.config.source import ConfigSource
from relay.reloading import Reloader
from relay.site import Site
from relay.state import World
from tests.conftest import StartRelay, StartUpstream
from tests.support.daemon import Daemon, daemon, write_config
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, provider
from tests.support.scraping import scraped
from tests.support.scripted import Out, Received, answers

AUTH = {"Authorization": f"Bearer {ACCESS_KEY}"}
STREAM = b'{"model":"m","stream":true,"messages":[]}'
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
LAST = b"data: [DONE]\n\n"
SSE = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
figures = logging.getLogger("proof")


class Gated:
    """An upstream whose streams go on at a word."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun = 0

    async def __call__(self, request: Received, out: Out) -> None:
        if request.header("Authorization") == f"Bearer {UPSTREAM_KEY}-1":
            await out.head(429, [("Content-Length", "0"), ("Retry-After", "3000")])
            return
        await out.head(200, SSE)
        await out.chunk(EVENT)
        self.begun += 1
        await self.go_on.wait()
        await out.chunk(EVENT)
        await out.chunk(LAST)
        await out.chunk(b"")


async def line(relay: Daemon, text: str) -> None:
    """Wait for a line of the log."""
    async with asyncio.timeout(10):
        while not any(text in told for told in relay.lines):
            await asyncio.sleep(0.01)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=AUTH, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def sites_in_memory() -> int:
    gc.collect()
    return sum(isinstance(found, Site) for found in gc.get_objects())


async def known_models(http: aiohttp.ClientSession, relay: Daemon) -> list[str]:
    async with http.get(f"{relay.url}/v1/models") as answer:
        return [model["id"] for model in (await answer.json())["data"]]


@pytest.mark.parametrize("how", ["in place", "by a rename"])
async def test_a_running_stream_ends_on_what_it_began_with(
    how: str, tmp_path: Path, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    gated = Gated()
    upstream = await start_upstream(gated)
    up = provider(upstream.url, keys=2, default=True)
    async with daemon(tmp_path, {"up": up}) as relay:
        async with http.post(f"{relay.url}/v1/chat/completions", data=STREAM) as stream:
            await stream.content.readuntil(b"\n\n")
            beside = tmp_path / "beside"
            beside.mkdir()
            place = beside if how == "by a rename" else tmp_path
            write_config(place, {"other": provider("http://127.0.0.1:9", models={"include": ["new"]})}, {})
            if how == "by a rename":
                os.replace(beside / "config.yml", tmp_path / "config.yml")
            await line(relay, "is in force")
            assert await known_models(http, relay) == ["new"]
            gated.go_on.set()
            assert (await stream.read()).endswith(b"data: [DONE]\n\n")
        assert await relay.end() == 0
        assert relay.rows() == [("complete", 1)]


async def test_sighup_reads_the_secrets_of_files_again_and_the_manager_is_told(
    tmp_path: Path, start_upstream: StartUpstream, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would read them: config.yml itself stays as it is."""
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    secret, loop = tmp_path / "key", asyncio.get_running_loop()
    secret.write_text("sk-the-first-0123456789")
    up = {**provider(upstream.url, models={"include": ["m"]}), "keys": [{"key": f"file:{secret}"}]}
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with asyncio.timeout(60), daemon(tmp_path, {"up": up}) as relay:
            while await loop.sock_recv(manager, 1000) != b"READY=1":
                pass
            secret.write_text("sk-the-second-0123456789")
            relay.process.send_signal(signal.SIGHUP)
            assert (await loop.sock_recv(manager, 1000)).startswith(b"RELOADING=1")
            assert await loop.sock_recv(manager, 1000) == b"READY=1"
            async with http.post(f"{relay.url}/v1/chat/completions", data=b'{"model":"m","messages":[]}') as answer:
                assert answer.status == 200
            assert await relay.end() == 0
    assert upstream.received[-1].header("Authorization") == "Bearer sk-the-second-0123456789"


async def test_a_bad_file_is_told_and_changes_nothing(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with daemon(tmp_path, {"up": provider("http://127.0.0.1:9", models={"include": ["m"]})}) as relay:
        (tmp_path / "config.yml").write_text("providers: {up: {unheard_of: 1}}")
        relay.process.send_signal(signal.SIGHUP)
        await line(relay, "providers.up.unheard_of")
        assert await known_models(http, relay) == ["m"]
        assert await relay.end() == 0


async def test_the_metrics_tell_of_a_bad_file_until_a_good_one_is_there(tmp_path: Path) -> None:
    async with daemon(tmp_path) as relay:

        async def told() -> dict[tuple[str, ...], float]:
            scrape = await scraped(relay.url)
            failed = {(): scrape.value("monorelay_config_reload_failed")}
            return failed | scrape.values("monorelay_config_reloads_total", "result")

        good = (tmp_path / "config.yml").read_text()
        assert await told() == {(): 0, ("success",): 0, ("failure",): 0}
        (tmp_path / "config.yml").write_text("providers: {up: {unheard_of: 1}}")
        await line(relay, "providers.up.unheard_of")
        assert await told() == {(): 1, ("success",): 0, ("failure",): 1}
        (tmp_path / "config.yml").write_text(good)
        await line(relay, "is in force")
        assert await told() == {(): 0, ("success",): 1, ("failure",): 1}


async def test_limits_and_the_level_of_the_log_change_at_once(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with daemon(tmp_path) as relay:
        write_config(tmp_path, {}, {"max_body": 10, "log_level": "error"})
        relay.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while True:
                async with http.post(f"{relay.url}/v1/chat/completions", data=STREAM) as answer:
                    if answer.status == 413:
                        break
        assert await relay.end() == 0
    assert not any("draining" in told for told in relay.lines)


class Rewritten:
    """A configuration file that is another one each time, and what takes it over."""

    def __init__(self, path: Path, adopt: Callable[[Config], None], up: dict[str, Any]) -> None:
        self._path, self._up, self._number = path, up, 0
        self._write()
        source = ConfigSource(path, {}, CHECKS)
        loaded = source.load()
        self._reloader = Reloader(source, loaded, loaded.config, adopt, World().now)

    def _write(self) -> None:
        number = self._number
        document = {
            "server": {"host": "127.0.0.1", "access_key": ACCESS_KEY, "max_in_flight": 1000 + number},
            "auth": {"bcrypt_cost": 4},
            "providers": {"up": self._up, **({"other": provider("http://127.0.0.1:9")} if number % 2 else {})},
        }
        self._path.write_text(json.dumps(document))

    async def taken_over(self, times: int) -> None:
        """One after the other."""
        for _ in range(times):
            self._number += 1
            self._write()
            await self._reloader.reload()
        assert (self._reloader.status.reloads, self._reloader.status.failures) == (times, 0)


async def begun(gated: Gated, streams: int) -> None:
    async with asyncio.timeout(60):
        while gated.begun < streams:
            await asyncio.sleep(0.01)


@pytest.mark.proof
async def test_many_reloads_under_live_streams_break_none_and_forget_no_key(
    tmp_path: Path,
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
) -> None:
    """Key 1 rests since a 429; behind all reloads it still does, and every stream ends well."""
    streams, reloads, gated = 200, proof_count(1000), Gated()
    upstream = await start_upstream(gated)
    up = provider(upstream.url, keys=2, default=True)
    relay = await start_relay({"up": up})
    rewritten = Rewritten(tmp_path / "config.yml", relay.front.adopt, up)
    sites_before = sites_in_memory()

    async def stream() -> bytes:
        async with http.post(f"{relay.openai_url}/chat/completions", data=STREAM) as answer:
            return await answer.read()

    tasks = [asyncio.create_task(stream())]
    await begun(gated, 1)  # From here on key 1 rests.
    tasks += [asyncio.create_task(stream()) for _ in range(streams - 1)]
    await begun(gated, streams)
    await rewritten.taken_over(reloads)
    assert relay.state.admission.in_flight == streams
    asked_before = len(upstream.received)
    gated.go_on.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.count(EVENT) for answer in answers] == [2] * streams
    assert all(answer.endswith(LAST) for answer in answers)
    assert (await stream()).endswith(LAST)
    used = [request.header("Authorization") for request in upstream.received[asked_before:]]
    assert used == [f"Bearer {UPSTREAM_KEY}-2"]
    more = sites_in_memory() - sites_before
    figures.info("%d reloads under %d streams; %d more sites in memory", reloads, streams, more)
    assert more <= 1
