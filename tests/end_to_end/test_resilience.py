"""An answer whenever one can be had: a dead key among good ones, and a provider that is gone and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest

from relay.model import Dialect
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


@pytest.mark.proof
async def test_a_provider_that_is_gone_is_not_asked_more_than_it_must_and_its_return_is_found(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
) -> None:
    """In calls instead of seconds: what the budget allows in ten seconds is spent by the first ones."""
    is_gone = True

    async def script(request: Received, out: Out) -> None:
        await (answers(500, b"{}") if is_gone else GOOD)(request, out)

    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True, retry={"backoff_max": 0})})
    calls = proof_count(2000)
    await statuses(http, relay.openai_url, calls)
    before = len(upstream.received)
    found = await statuses(http, relay.openai_url, calls)
    attempts = (len(upstream.received) - before) / calls
    figures.info("a provider that is gone: %.2f attempts a call, %s", attempts, dict(found))
    assert attempts <= 1.25
    is_gone = False
    assert await statuses(http, relay.openai_url, 1) == {200: 1}
