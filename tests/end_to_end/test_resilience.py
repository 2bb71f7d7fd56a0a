"""An answer whenever one can be had: a dead key among good ones, and a provider that is gone and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from relay.state import World
from tests.conftest import StartRelay, StartUpstream
from tests.end_to_end.test_failover import FAILS_FOR_A_KEY, FAILS_FOR_A_TARGET
from tests.support.running import UPSTREAM_KEY, provider
from tests.support.scripted import Out, Received, Script, answers

GOOD = answers(200, b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}')
CALL = b'{"model":"m","messages":[]}'
DEAD = f"Bearer {UPSTREAM_KEY}-2"
AT_ONCE = 8
figures = logging.getLogger("proof")


async def hangs(request: Received, out: Out) -> None:
    await asyncio.Event().wait()


DEATHS: dict[str, Script] = {
    **{name: script for name, script in FAILS_FOR_A_KEY.items() if "event" not in name},
    **{name: script for name, script in FAILS_FOR_A_TARGET.items() if name in ("a reset", "a redirect", "nothing")},
    "silence": hangs,
}


async def statuses(http: aiohttp.ClientSession, url: str, calls: int) -> Counter[int]:
    """How so many calls end, a few at a time."""
    left, found = iter(range(calls)), Counter[int]()

    async def call_on() -> None:
        for _ in left:
            async with http.post(f"{url}/chat/completions", data=CALL) as answer:
                await answer.read()
                found[answer.status] += 1

    await asyncio.gather(*(call_on() for _ in range(AT_ONCE)))
    return found


@pytest.mark.proof
async def test_with_one_of_three_keys_dead_in_any_way_calls_are_served(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
) -> None:
    total = Counter[int]()
    for name, death in DEATHS.items():

        async def script(request: Received, out: Out, death: Script = death) -> None:
            await (death if request.header("Authorization") == DEAD else GOOD)(request, out)

        upstream = await start_upstream(script)
        timeout = {"connect": 1, "first_byte": 0.2, "idle": 1, "total": 10}
        relay = await start_relay({"up": provider(upstream.url, keys=3, default=True, timeout=timeout)})
        found = await statuses(http, relay.openai_url, proof_count(10_000) // len(DEATHS))
        total += found
        figures.info("one of three keys dies by %s: %s", name, dict(found))
    served = total[200] / total.total()
    figures.info(
        "%d calls with one of three keys dead in %d ways: %.2f %% served", total.total(), len(DEATHS), served * 100
    )
    assert served >= 0.999


class Clock:
    """The time of day, which goes on by ten milliseconds with each call: a hundred calls a second."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> None:
        self.now += timedelta(milliseconds=10)


OUTAGES: dict[str, Script] = {
    "answers 500": answers(500, b"{}"),
    "resets": FAILS_FOR_A_TARGET["a reset"],
    "asks for patience": answers(429, b"{}"),
}


@pytest.mark.proof
@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("providers", [1, 2])
async def test_providers_that_are_gone_are_not_pressed_and_their_return_is_found(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
    providers: int,
    outage: str,
) -> None:
    """A hundred calls a second for thirty seconds; from the tenth on each attempt is counted."""
    is_gone, clock = True, Clock()

    async def script(request: Received, out: Out) -> None:
        await (OUTAGES[outage] if is_gone else GOOD)(request, out)

    upstream = await start_upstream(script)
    up: dict[str, Any] = {
        "keys": 3,
        "models": {"include": ["m"]},
        "retry": {"backoff_max": 0},
        "rate_limit_cooldown": 1,
    }
    blocks = {f"up-{number}": provider(upstream.url, **up) for number in range(providers)}
    relay = await start_relay(blocks, world=World(now=clock))
    counted, before = proof_count(2000), 0

    async def call() -> int:
        clock.tick()
        async with http.post(f"{relay.openai_url}/chat/completions", data=CALL) as answer:
            await answer.read()
            return answer.status

    for number in range(1000 + counted):
        if number == 1000:
            before = len(upstream.received)
        assert await call() != 200
    attempts = (len(upstream.received) - before) / counted
    figures.info("%d providers that are gone (%s): %.2f attempts a call", providers, outage, attempts)
    assert attempts <= 1.25
    is_gone = False
    calls = 1
    while await call() != 200:
        calls += 1
    figures.info("their return was found after %.2f s, by the first attempt", calls / 100)
    assert len(upstream.received) == before + round(attempts * counted) + 1
