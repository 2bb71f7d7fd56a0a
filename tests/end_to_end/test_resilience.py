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

from relay.model import Dialect
from relay.state import World
from tests.conftest import StartRelay, StartUpstream
from tests.faults.row import Fault
from tests.faults.table import named
from tests.support.running import UPSTREAM_KEY, provider
from tests.support.scripted import Out, Received, Script, answers
from tests.support.sdks import Form

GOOD = answers(200, b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}')
CALL = b'{"model":"m","messages":[]}'
DEAD = f"Bearer {UPSTREAM_KEY}-2"
AT_ONCE = 8
figures = logging.getLogger("proof")


WAYS_TO_DIE = [
    (15, "401"), (15, "403 that names the key"), (16, "402"), (14, "429 that names no wait"), (20, "500"), (20, "503"),
    (20, "529"), (4, "reset before the head"), (25, "302"), (24, "200 with an empty body"), (3, "no head in time"),
]  # fmt: skip
"""Rows of the fault table."""


def deaths() -> dict[str, Script]:
    """Each of them, for a plain chat."""
    rows = [named(number, name, Form.PLAIN) for number, name in WAYS_TO_DIE]
    return {row.name: row.script(Dialect.CHAT, Form.PLAIN) for row in rows if isinstance(row, Fault)}


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
    for name, death in deaths().items():

        async def script(request: Received, out: Out, death: Script = death) -> None:
            await (death if request.header("Authorization") == DEAD else GOOD)(request, out)

        upstream = await start_upstream(script)
        timeout = {"connect": 1, "first_byte": 0.2, "idle": 1, "total": 10}
        relay = await start_relay({"up": provider(upstream.url, keys=3, default=True, timeout=timeout)})
        found = await statuses(http, relay.openai_url, proof_count(10_000) // len(WAYS_TO_DIE))
        total += found
        figures.info("one of three keys dies by %s: %s", name, dict(found))
    served = total[200] / total.total()
    figures.info(
        "%d calls with one of three keys dead in %d ways: %.2f %% served", total.total(), len(WAYS_TO_DIE), served * 100
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


async def resets(request: Received, out: Out) -> None:
    out.abort()


OUTAGES: dict[str, Script] = {
    "answers 500": answers(500, b"{}"),
    "resets": resets,
    "asks for patience": answers(429, b"{}"),
}
HASTY: dict[str, Any] = {
    "keys": 3, "models": {"include": ["m"]}, "retry": {"backoff_max": 0}, "rate_limit_cooldown": 1,
}  # fmt: skip


class Outage:
    """An upstream that is gone until it is back, and calls of it."""

    def __init__(self, script: Script, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._script, self._http, self._clock = script, http, clock
        self.is_over = False

    async def answers(self, request: Received, out: Out) -> None:
        await (GOOD if self.is_over else self._script)(request, out)

    async def call(self, url: str) -> int:
        """Its status."""
        self._clock.tick()
        async with self._http.post(f"{url}/chat/completions", data=CALL) as answer:
            await answer.read()
            return answer.status

    async def calls_until_it_is_found_over(self, url: str) -> int:
        calls = 1
        while await self.call(url) != 200:
            calls += 1
        return calls


@pytest.mark.proof
@pytest.mark.parametrize("how", OUTAGES)
@pytest.mark.parametrize("providers", [1, 2])
async def test_providers_that_are_gone_are_not_pressed_and_their_return_is_found(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
    providers: int,
    how: str,
) -> None:
    """A hundred calls a second for thirty seconds; from the tenth on each attempt is counted."""
    clock = Clock()
    outage = Outage(OUTAGES[how], http, clock)
    upstream = await start_upstream(outage.answers)
    blocks = {f"up-{number}": provider(upstream.url, **HASTY) for number in range(providers)}
    relay = await start_relay(blocks, world=World(now=clock))
    counted = proof_count(2000)
    assert 200 not in [await outage.call(relay.openai_url) for _ in range(1000)]
    before = len(upstream.received)
    assert 200 not in [await outage.call(relay.openai_url) for _ in range(counted)]
    attempts = (len(upstream.received) - before) / counted
    figures.info("%d providers that are gone (%s): %.2f attempts a call", providers, how, attempts)
    assert attempts <= 1.25
    outage.is_over = True
    calls = await outage.calls_until_it_is_found_over(relay.openai_url)
    figures.info("their return was found after %.2f s, by the first attempt", calls / 100)
    assert len(upstream.received) == before + round(attempts * counted) + 1
