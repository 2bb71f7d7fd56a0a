"""What `relay.upstream.transport` promises, asked of every transport: a new one is a row of SIDES.

What only HTTP has (framing, resets, deadlines, pooling) is in test_call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import orjson
import pytest

from relay.errors import UpstreamError
from relay.sweep import Sweep
from relay.upstream.demo import DemoTransport
from relay.upstream.direct import open_direct
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Connection, Deadlines, SentHeaders, Transport, UpstreamCall, UpstreamRequest
from tests.support.scripted import Out, Received, Script, answers, scripted_upstream, streams

DEADLINES = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=30)
USER = [{"role": "user", "content": "Hello"}]
EVENTS = [b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}]}\n\n' % number for number in range(20)]


@dataclass(frozen=True)
class Kind:
    """One kind of answer: the body that asks for it, and the head that comes."""

    asks: bytes
    status: int
    content_type: str


KINDS = {
    "a stream": Kind(orjson.dumps({"model": "demo", "messages": USER, "stream": True}), 200, "text/event-stream"),
    "a plain answer": Kind(orjson.dumps({"model": "demo", "messages": USER}), 200, "application/json"),
    "a refusal": Kind(b"{}", 400, "application/json"),
}
SCRIPTS: dict[bytes, Script] = {
    KINDS["a stream"].asks: streams([*EVENTS, b"data: [DONE]\n\n"]),
    KINDS["a plain answer"].asks: answers(200, b'{"choices":[]}'),
    KINDS["a refusal"].asks: answers(400, b'{"error":{"message":"no"}}'),
}


async def provide(request: Received, out: Out) -> None:
    """A provider for the kinds above."""
    await SCRIPTS[request.body](request, out)


@dataclass(frozen=True)
class Side:
    """A transport, and where it finds a provider."""

    transport: Transport
    url: str


@asynccontextmanager
async def over_sessions() -> AsyncIterator[Side]:
    async with scripted_upstream(provide) as upstream, open_sessions() as sessions:
        yield Side(SessionTransport(sessions, Sweep()), upstream.url)


@asynccontextmanager
async def directly() -> AsyncIterator[Side]:
    async with scripted_upstream(provide) as upstream, open_direct(Sweep()) as transport:
        yield Side(transport, upstream.url)


@asynccontextmanager
async def from_memory() -> AsyncIterator[Side]:
    yield Side(DemoTransport(lambda: 1_700_000_000.0), "http://demo.invalid")


SIDES: dict[str, Callable[[], AbstractAsyncContextManager[Side]]] = {
    "direct": directly,
    "session": over_sessions,
    "demo": from_memory,
}


@pytest.fixture(params=list(SIDES))
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with SIDES[request.param]() as made:
        yield made


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


class Taking:
    """A sink that keeps what it gets; with `pauses` it asks for a pause after each feed."""

    def __init__(self, *, pauses: bool = False) -> None:
        self.pieces: list[bytes] = []
        self._pauses = pauses

    def feed(self, data: bytes, /) -> bool:
        self.pieces.append(bytes(data))
        return not self._pauses

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def request_for(side: Side, kind: Kind) -> UpstreamRequest:
    url = f"{side.url}/v1/chat/completions"
    return UpstreamRequest("POST", url, SentHeaders({"Content-Type": "application/json"}), kind.asks, DEADLINES)


async def opened(side: Side, kind: Kind) -> UpstreamCall:
    return await side.transport.send(request_for(side, kind))


async def pump_to_the_end(call: UpstreamCall, sink: Taking) -> None:
    async with asyncio.timeout(10):
        while not await call.pump(sink):
            pass


async def answered(side: Side, kind: Kind, sink: Taking) -> bytes:
    call = await opened(side, kind)
    await pump_to_the_end(call, sink)
    call.close()
    return sink.body


async def pump_after_close(call: UpstreamCall) -> Taking:
    """Whether a closed call has ended or failed is its own affair; it must come back, and feed nothing."""
    sink = Taking()
    async with asyncio.timeout(10):
        with suppress(UpstreamError):
            await call.pump(sink)
    return sink


async def test_the_head_has_the_status_and_the_content_type(side: Side, kind: Kind) -> None:
    call = await opened(side, kind)
    assert (call.head.status, call.head.headers["Content-Type"]) == (kind.status, kind.content_type)
    call.close()


async def test_header_names_are_found_in_any_case(side: Side, kind: Kind) -> None:
    call = await opened(side, kind)
    assert call.head.headers["CONTENT-type"] == call.head.headers["content-TYPE"]
    call.close()


async def test_a_clean_end_is_true_and_there_was_a_body(side: Side, kind: Kind) -> None:
    call, sink = await opened(side, kind), Taking()
    assert await call.pump(sink) is True
    assert sink.body
    call.close()


async def test_no_feed_is_empty(side: Side, kind: Kind) -> None:
    sink = Taking()
    await answered(side, kind, sink)
    assert all(sink.pieces)


async def test_a_sink_that_pauses_gets_the_same_bytes_in_order(side: Side, kind: Kind) -> None:
    assert await answered(side, kind, Taking(pauses=True)) == await answered(side, kind, Taking())


async def test_a_pause_is_told_after_one_feed(side: Side, kind: Kind) -> None:
    call, sink = await opened(side, kind), Taking(pauses=True)
    assert await call.pump(sink) is False
    assert len(sink.pieces) == 1
    call.close()


async def test_a_call_may_go_on_into_another_sink(side: Side, kind: Kind) -> None:
    call, first, rest = await opened(side, kind), Taking(pauses=True), Taking()
    await call.pump(first)
    await pump_to_the_end(call, rest)
    call.close()
    assert first.body + rest.body == await answered(side, kind, Taking())


async def test_a_pump_after_the_end_is_true_again_and_feeds_nothing(side: Side, kind: Kind) -> None:
    call = await opened(side, kind)
    await pump_to_the_end(call, Taking())
    after = Taking()
    assert await call.pump(after) is True
    assert after.pieces == []
    call.close()


@pytest.mark.parametrize("pumps", [0, 1, 1000])
async def test_a_call_may_be_closed_twice(side: Side, kind: Kind, pumps: int) -> None:
    call = await opened(side, kind)
    for _ in range(pumps):
        if await call.pump(Taking(pauses=True)):
            break
    call.close()
    call.close()


@pytest.mark.parametrize("pumps", [0, 1])
async def test_a_call_that_was_closed_in_the_middle_neither_hangs_nor_feeds(side: Side, kind: Kind, pumps: int) -> None:
    call = await opened(side, kind)
    for _ in range(pumps):
        await call.pump(Taking(pauses=True))
    call.close()
    assert (await pump_after_close(call)).pieces == []


async def test_a_head_outlives_its_call(side: Side, kind: Kind) -> None:
    call = await opened(side, kind)
    call.close()
    assert call.head.status == kind.status


async def test_calls_that_are_open_at_once_do_not_mix(side: Side) -> None:
    kinds = [KINDS["a stream"], KINDS["a refusal"], KINDS["a stream"]]
    alone = [await answered(side, one, Taking()) for one in kinds]
    together = await asyncio.gather(*(answered(side, one, Taking(pauses=True)) for one in kinds))
    assert together == alone


async def test_a_transport_serves_again_after_a_call_was_closed_in_the_middle(side: Side, kind: Kind) -> None:
    whole = await answered(side, kind, Taking())
    call = await opened(side, kind)
    await call.pump(Taking(pauses=True))
    call.close()
    assert await answered(side, kind, Taking()) == whole


async def test_a_fresh_connection_gives_the_same_answer(side: Side, kind: Kind) -> None:
    call, sink = await side.transport.send(replace(request_for(side, kind), connection=Connection.FRESH)), Taking()
    await pump_to_the_end(call, sink)
    call.close()
    assert sink.body == await answered(side, kind, Taking())
