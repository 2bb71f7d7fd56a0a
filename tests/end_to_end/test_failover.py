"""A failed key or provider before the first byte means the next one: what the rows of the fault table have in common.

The rows themselves are in test_fault_table.py.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.faults.cases import FAILING, cases
from tests.faults.row import Broken, Fault, Refused, Unreachable
from tests.faults.told import expected, raised
from tests.faults.trial import at_fault, attempts_of, seen
from tests.support.running import RunningRelay, provider
from tests.support.scripted import Out, Received, answers
from tests.support.sdks import Form

GOOD = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
ERROR = b'{"error":{"message":"no","type":"x","code":"y"}}'
OF_CONNECTIONS = (1, 2, 3, 4, 5, 6, 7, 12, 31)
"""Numbers of rows in which a connection ends, or never comes about: event loops differ in how they tell of that."""


async def ask(http: aiohttp.ClientSession, relay: RunningRelay) -> tuple[int, bytes, str | None]:
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m"}') as answer:
        return answer.status, await answer.read(), answer.headers.get("X-MonoRelay-Attempts")


@pytest.mark.asyncio(loop_factories=["uvloop"])
@cases([row for row in FAILING if row.number in OF_CONNECTIONS], dialects=[Dialect.CHAT])
async def test_on_the_other_event_loop_the_same_is_told_and_tried(
    row: Fault | Unreachable, form: Form, dialect: Dialect
) -> None:
    assert isinstance(row.told, Refused | Broken)
    async with at_fault(row, form, dialect) as bad:
        found = await seen(row, form, dialect, up=bad, others=bad)
    assert raised(found.heard.error) == expected(row.told, dialect, len(row.attempts))
    assert attempts_of(found.record) == row.attempts


async def test_keys_take_turns(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(200, GOOD))
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True)})
    for _ in range(6):
        await ask(http, relay)
    used = [(request.header("Authorization") or "")[-1] for request in upstream.received]
    assert used == ["1", "2", "3", "1", "2", "3"]


async def test_at_most_three_attempts_are_made(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(500, ERROR))
    relay = await start_relay({"up": provider(upstream.url, keys=9, default=True, retry={"backoff_max": 0})})
    assert (await ask(http, relay))[0] == 500
    assert len(upstream.received) == 3


async def test_a_target_that_has_failed_so_often_in_a_row_is_passed_over(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    bad, good = await start_upstream(answers(500, ERROR)), await start_upstream(answers(200, GOOD))
    models = {"include": ["m"]}
    failing = provider(bad.url, models=models, breaker={"failures": 2})
    relay = await start_relay({"bad": failing, "good": provider(good.url, models=models)})
    for _ in range(4):
        assert (await ask(http, relay))[:2] == (200, GOOD)
    assert (len(bad.received), len(good.received)) == (2, 4)


async def test_connections_that_died_in_the_pool_cost_no_call(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    """Behind the first of them the pool is not asked again: all may have died alike."""
    both, served = asyncio.Barrier(2), set[object]()

    async def answers_once_a_connection(request: Received, out: Out) -> None:
        if out.peer in served:
            out.abort()
            return
        served.add(out.peer)
        if len(served) <= both.parties:
            await both.wait()
        await answers(200, GOOD)(request, out)

    upstream = await start_upstream(answers_once_a_connection)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    first, second = await asyncio.gather(ask(http, relay), ask(http, relay))
    assert first == second == (200, GOOD, "1")
    assert await ask(http, relay) == (200, GOOD, "2")
