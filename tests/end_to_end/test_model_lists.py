"""A daemon knows what its providers list: in /v1/models, in routing, and at once after a restart."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.conftest import StartUpstream
from tests.support.daemon import Daemon, daemon, write_config
from tests.support.running import ACCESS_KEY, provider
from tests.support.scripted import Out, Received, answers

MODELS = b'{"object":"list","data":[{"id":"Big","created":5},{"id":"small","created":6}]}'
ANSWER = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
AUTH = {"Authorization": f"Bearer {ACCESS_KEY}"}


async def lists(request: Received, out: Out) -> None:
    is_list = request.target == "/v1/models"
    await answers(200, MODELS if is_list else ANSWER)(request, out)


async def known(http: aiohttp.ClientSession, relay: Daemon, *names: str) -> None:
    """Wait until these are the models."""
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{relay.url}/v1/models") as answer:
                found = tuple(model["id"] for model in (await answer.json())["data"])
            if found == names:
                return
            await asyncio.sleep(0.02)


async def test_what_a_provider_lists_can_be_asked_for(tmp_path: Path, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(lists)
    async with daemon(tmp_path, {"up": provider(upstream.url)}) as relay, aiohttp.ClientSession(headers=AUTH) as http:
        await known(http, relay, "Big", "small")
        async with http.post(f"{relay.url}/v1/chat/completions", data=b'{"model":"BIG"}') as answer:
            assert answer.status == 200
        async with http.post(f"{relay.url}/v1/chat/completions", data=b'{"model":"medium"}') as answer:
            assert answer.status == 404
        assert await relay.end() == 0


async def test_a_restart_and_another_configuration_know_them_at_once(
    tmp_path: Path, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(lists)
    up = provider(upstream.url)
    async with daemon(tmp_path, {"up": up}) as relay, aiohttp.ClientSession(headers=AUTH) as http:
        await known(http, relay, "Big", "small")
        assert await relay.end() == 0

    async def hangs(request: Received, out: Out) -> None:
        await asyncio.Event().wait()

    upstream.script = hangs
    async with daemon(tmp_path, {"up": up}) as relay, aiohttp.ClientSession(headers=AUTH) as http:
        await known(http, relay, "Big", "small")
        for providers, names in (({}, ("demo",)), ({"up": up}, ("Big", "small"))):
            write_config(tmp_path, providers, {})
            relay.process.send_signal(signal.SIGHUP)
            await known(http, relay, *names)
        assert await relay.end() == 0
