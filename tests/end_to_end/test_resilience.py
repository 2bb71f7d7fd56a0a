"""An answer whenever one can be had: a dead key among good ones, and a provider that is gone and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest

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
