"""The fault table: what clients and the relay itself bring about while a provider does nothing wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from relay.model import Dialect, Outcome, Usage
from tests.faults.cases import cases
from tests.faults.endings import DRAINED, LEAVING, STALLING
from tests.faults.row import Broken, Ending, Moment, Recorded, Refused
from tests.faults.scripts import CHUNKED, SSE, begun, media
from tests.faults.told import expected, raised
from tests.faults.trial import attempts_of, heard, in_flight, relay_before, standing_of_first_key, standing_of_target
from tests.support.conversation import EVENTS
from tests.support.scripted import Out, Received, scripted_upstream
from tests.support.sdks import BREAKS, Form, texts


class Waits:
    """An upstream that gets as far as a moment, and then waits for what happens."""

    def __init__(self, moment: Moment, form: Form, dialect: Dialect) -> None:
        self._moment, self._form, self._dialect = moment, form, dialect
        self._is_there, self._is_heard, self._is_left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, request: Received, out: Out) -> None:
        if self._moment is not Moment.ASKED:
            await out.head(200, [*media(self._form), *CHUNKED])
        if self._moment is Moment.BEGUN:
            await out.chunk(begun(self._dialect, self._form))
        self._is_there.set()
        await out.peer_left()
        self._is_left.set()

    async def hear(self, piece: str) -> None:
        """Called when the client has got something."""
        self._is_heard.set()

    async def there(self) -> None:
        """Wait until the call has got so far: a stream that has begun has reached the client."""
        await self._is_there.wait()
        if self._moment is Moment.BEGUN and self._form is Form.STREAMED:
            await self._is_heard.wait()

    async def left(self) -> None:
        """Wait until the relay has closed its call."""
        await self._is_left.wait()


@cases(LEAVING)
async def test_the_call_of_a_client_that_leaves_is_closed_and_recorded(
    row: Ending, form: Form, dialect: Dialect
) -> None:
    assert isinstance(row.told, Recorded)
    waits = Waits(row.moment, form, dialect)
    async with scripted_upstream(waits) as upstream, relay_before(row, dialect, up=upstream.url) as relay:
        client = asyncio.create_task(heard(relay.url, dialect, form, at_each=waits.hear))
        async with asyncio.timeout(10):
            await waits.there()
            client.cancel()
            with suppress(asyncio.CancelledError):
                await client
            await waits.left()
        (record,) = await relay.records()
        assert (record.outcome, record.status_code) == (row.told.outcome, row.told.status)
        assert attempts_of(record) == ("up key-1",)
        tells_usage = (row.moment, form, dialect) == (Moment.BEGUN, Form.STREAMED, Dialect.MESSAGES)
        assert record.usage == (Usage(input_tokens=1, output_tokens=1) if tells_usage else None)
        assert (standing_of_first_key(relay), standing_of_target(relay)) == (row.key, row.target)
        assert in_flight(relay) == 0


@cases(STALLING)
async def test_a_client_that_reads_nothing_is_cut(row: Ending, form: Form, dialect: Dialect) -> None:
    """What it had been sent by then is its own; then the SDK raises."""
    assert isinstance(row.told, Recorded)
    is_left = asyncio.Event()

    async def goes_on(request: Received, out: Out) -> None:
        await out.head(200, [*SSE, *CHUNKED])
        await out.chunk(EVENTS[dialect][0])
        filling = b": " + b"x" * 2**20 + b"\n\n"
        with suppress(ConnectionError):
            while True:
                await out.chunk(filling)
        is_left.set()

    async with (
        scripted_upstream(goes_on) as upstream,
        relay_before(row, dialect, up=upstream.url, server={"write_timeout": 0.1}) as relay,
    ):
        pieces = texts(relay.url, dialect, form)
        async with asyncio.timeout(10):
            assert await anext(pieces) == ""
            (record,) = await relay.records()
            await is_left.wait()
            with pytest.raises(BREAKS):
                await _read_on(pieces)
        assert (record.outcome, record.status_code) == (row.told.outcome, row.told.status)
        assert (standing_of_first_key(relay), standing_of_target(relay)) == (row.key, row.target)
        assert in_flight(relay) == 0


async def _read_on(pieces: AsyncIterator[str]) -> None:
    async for _ in pieces:
        pass


@cases(DRAINED)
async def test_a_call_that_outlasts_the_drain_is_told_so(row: Ending, form: Form, dialect: Dialect) -> None:
    told = row.told
    assert isinstance(told, Refused | Broken)
    waits = Waits(row.moment, form, dialect)
    async with scripted_upstream(waits) as upstream, relay_before(row, dialect, up=upstream.url) as relay:
        client = asyncio.create_task(heard(relay.url, dialect, form, at_each=waits.hear))
        async with asyncio.timeout(10):
            await waits.there()
            relay.state.live_calls.cut()
            found = await client
        assert raised(found.error) == expected(told, dialect, 1)
        (record,) = await relay.records()
        status = told.status_in(dialect) if isinstance(told, Refused) else 200
        assert (record.outcome, record.status_code, record.error_type) == (Outcome.SHUTTING_DOWN, status, told.code)
        assert attempts_of(record) == ("up key-1",)
        assert (standing_of_first_key(relay), standing_of_target(relay)) == (row.key, row.target)
        assert in_flight(relay) == 0
