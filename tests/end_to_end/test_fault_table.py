"""The fault table: what upstreams do wrong, each row in each form that it has and in each dialect, judged by what the
official SDKs raise or return.

What a row says stands in tests/faults; docs/faults.md shows it.
"""

from __future__ import annotations

import asyncio

import aiohttp
import orjson

from relay.model import Dialect, Outcome
from tests.faults.cases import BREAKING_OFF, FAILING, PASSING, cases, first_of_each
from tests.faults.row import REJECTED, Broken, BrokenOff, Fault, Passed, Refused, Unreachable
from tests.faults.scripts import good, whole
from tests.faults.told import expected, raised
from tests.faults.trial import Heard, at_fault, at_work, attempts_of, heard, relay_before, seen
from tests.support.conversation import TEXT
from tests.support.scripted import Out, Received, in_turn, scripted_upstream
from tests.support.sdks import ASKED, BREAKS, MODEL, PATHS, Form

FOLLOWED = [row for row in FAILING if row.tries not in ("-", "none")]
CHAT, STREAMED = Dialect.CHAT, Form.STREAMED
TOKENS = 28
"""The number of the rows that are about them."""
IN_TIME_FOR_A_KEEPALIVE = first_of_each(
    row
    for row in FAILING
    if isinstance(row, Fault) and isinstance(row.told, Refused) and STREAMED in row.forms and not row.calls_before
)
RESTING = first_of_each(row for row in FOLLOWED if "rests" in row.key + row.target or row.key == REJECTED)


@cases(FAILING)
async def test_when_all_fail_alike_this_is_told_tried_and_remembered(
    row: Fault | Unreachable, form: Form, dialect: Dialect
) -> None:
    told = row.told
    assert isinstance(told, Refused | Broken)
    async with at_fault(row, form, dialect) as bad:
        found = await seen(row, form, dialect, up=bad, others=bad)
    assert raised(found.heard.error) == expected(told, dialect, len(row.attempts))
    assert attempts_of(found.record) == row.attempts
    assert (found.key, found.target, found.in_flight) == (row.key, row.target, 0)
    ended = (Outcome.UPSTREAM_BROKEN, 200) if isinstance(told, Broken) else (Outcome.REFUSED, told.status_in(dialect))
    assert (found.record.outcome, found.record.status_code) == ended
    assert found.record.error_type in (told.code, told.openai_type)


@cases(BREAKING_OFF)
async def test_where_nothing_can_be_told_the_connection_breaks_off(row: Fault, form: Form, dialect: Dialect) -> None:
    assert isinstance(row.told, BrokenOff)
    async with at_fault(row, form, dialect) as bad:
        found = await seen(row, form, dialect, up=bad, others=bad)
    assert isinstance(found.heard.error, BREAKS)
    record = found.record
    assert (record.outcome, record.status_code, record.error_type) == (Outcome.UPSTREAM_BROKEN, 200, row.told.code)
    assert attempts_of(record) == row.attempts
    assert (found.key, found.target, found.in_flight) == (row.key, row.target, 0)


@cases(FOLLOWED)
async def test_another_target_serves_behind_all_that_may_be_tried_before_it(
    row: Fault | Unreachable, form: Form, dialect: Dialect
) -> None:
    async with at_fault(row, form, dialect) as bad, at_work(form, dialect) as fine:
        found = await seen(row, form, dialect, up=bad, others=fine)
    assert found.heard == Heard(TEXT, None)
    assert attempts_of(found.record) == row.attempts[: row.attempts.index("other key-1") + 1]
    assert (found.record.outcome, found.record.status_code, found.in_flight) == (Outcome.COMPLETE, 200, 0)
    assert (found.key, found.target) == (row.key, row.target)


@cases([row for row in FOLLOWED if row.tries == "k, u"], dialects=[CHAT])
async def test_another_key_serves(row: Fault, form: Form, dialect: Dialect) -> None:
    once = in_turn(row.script(dialect, form), good(dialect, form))
    async with scripted_upstream(once) as upstream:
        found = await seen(row, form, dialect, up=upstream.url, others=upstream.url)
    assert found.heard == Heard(TEXT, None)
    assert attempts_of(found.record) == ("up key-1", "up key-2")


@cases([row for row in FOLLOWED if row.tries == "s, u"])
async def test_the_same_serves_on_a_fresh_connection(row: Fault, form: Form, dialect: Dialect) -> None:
    once = in_turn(row.script(dialect, form), good(dialect, form))
    async with scripted_upstream(once) as upstream:
        found = await seen(row, form, dialect, up=upstream.url, others=upstream.url)
    assert found.heard == Heard(TEXT, None)
    assert (attempts_of(found.record), upstream.connections) == (("up key-1", "up key-1"), 2)


@cases(RESTING, dialects=[CHAT])
async def test_the_next_call_keeps_away_from_what_rests(row: Fault | Unreachable, form: Form, dialect: Dialect) -> None:
    async with (
        at_fault(row, form, dialect) as bad,
        at_work(form, dialect) as fine,
        relay_before(row, dialect, up=bad, others=fine, patience=row.timeout) as relay,
    ):
        assert [await heard(relay.url, dialect, form) for _ in range(2)] == [Heard(TEXT, None)] * 2
        first, second = await relay.records(2)
    assert attempts_of(first)[0] == "up key-1"
    assert attempts_of(second) == ("other key-1",)


@cases(PASSING)
async def test_what_is_no_fault_passes(row: Fault, form: Form, dialect: Dialect) -> None:
    assert isinstance(row.told, Passed)
    async with at_fault(row, form, dialect) as odd:
        found = await seen(row, form, dialect, up=odd, others=odd)
    if row.told.raises is not None:
        assert type(found.heard.error) is row.told.raises
        return
    assert found.heard == Heard(TEXT, None)
    assert attempts_of(found.record) == ("up key-1",)
    assert (found.record.outcome, found.record.status_code, found.in_flight) == (Outcome.COMPLETE, 200, 0)
    assert (found.key, found.target) == (row.key, row.target)
    assert row.number != TOKENS or found.record.usage == row.usage


@cases(PASSING)
async def test_the_bytes_of_what_passes_are_the_providers(
    http: aiohttp.ClientSession, row: Fault, form: Form, dialect: Dialect
) -> None:
    assert isinstance(row.told, Passed)
    body = orjson.dumps({"model": MODEL, **ASKED[dialect], "stream": form is STREAMED})

    async def bytes_from(root: str) -> bytes:
        async with http.post(f"{root}/v1/{PATHS[dialect]}", data=body) as answer:
            return await answer.read()

    async with at_fault(row, form, dialect) as odd, relay_before(row, dialect, up=odd) as relay:
        direct = whole(dialect, form) if row.told.mends else await bytes_from(odd)
        assert await bytes_from(relay.url) == direct


@cases(IN_TIME_FOR_A_KEEPALIVE, forms=[STREAMED])
async def test_once_a_keepalive_went_out_the_same_is_told_in_the_stream(
    row: Fault, form: Form, dialect: Dialect
) -> None:
    """The SDK has a stream once the head is there, and the keepalive is what brings it."""
    told, is_begun = row.told, asyncio.Event()
    assert isinstance(told, Refused)

    async def waits(request: Received, out: Out) -> None:
        await is_begun.wait()
        await row.script(dialect, form)(request, out)

    async def begin(piece: str) -> None:
        is_begun.set()

    early = {"sse_keepalive_first": 0.02}
    async with scripted_upstream(waits) as upstream:
        url = upstream.url
        found = await seen(row, form, dialect, up=url, others=url, at_each=begin, server=early)
    in_stream = Broken(told.openai_type, told.code, told.anthropic_type)
    assert raised(found.heard.error) == expected(in_stream, dialect, 1)
    assert attempts_of(found.record) == row.attempts
    assert (found.record.outcome, found.record.status_code) == (Outcome.UPSTREAM_BROKEN, 200)
    assert (found.key, found.target, found.in_flight) == (row.key, row.target, 0)
