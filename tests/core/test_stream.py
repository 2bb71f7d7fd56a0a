from __future__ import annotations

import asyncio

import pytest
from multidict import CIMultiDict

from relay import faults
from relay.core.stream import SETTLE_BYTES, RelayStream
from relay.errors import ClientGone, ErrorFacts, UpstreamError
from relay.formats.passing import PassingStream, Transform, Verbatim
from relay.formats.registry import DIALECTS
from relay.model import Dialect, Usage
from tests.core.fakes import DONE, HANG, FakeCall, FakeClient, Step, chunk, delivered

FINISHED = chunk("", finish_reason="stop")


class Uppercase:
    """A transform of one's own: it begins with the first bytes, ends at a dot and fails at a bang."""

    def __init__(self) -> None:
        self.has_begun = False
        self.has_ended = False

    def feed(self, data: bytes, /) -> bytes:
        if b"!" in data:
            raise faults.event_too_large(1)
        self.has_begun = True
        self.has_ended = b"." in data
        return data.upper()

    def finish(self) -> bytes:
        return b"<end>"

    def usage(self) -> Usage | None:
        return Usage(output_tokens=7) if self.has_begun else None

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        return f"<{facts.code}>".encode()


def passing() -> PassingStream:
    return PassingStream(DIALECTS[Dialect.CHAT], "req_1")


async def opened(call: FakeCall, transform: Transform | None = None) -> RelayStream:
    """A stream that has come to its commit point."""
    stream = RelayStream(call, transform or passing(), CIMultiDict({"X": "1"}))
    await stream.begin()
    return stream


async def sent(*steps: Step, transform: Transform | None = None) -> tuple[FakeClient, FakeCall, RelayStream]:
    """A whole stream, from its begin to a client that stays."""
    call, client = FakeCall(*steps), FakeClient()
    stream = await opened(call, transform)
    await delivered(stream, client)
    return client, call, stream


async def begin_failure(*steps: Step) -> str | None:
    with pytest.raises(UpstreamError) as caught:
        await opened(FakeCall(*steps))
    return caught.value.facts.code


# Up to the commit point


async def test_begin_reads_no_further_than_the_first_complete_event() -> None:
    call = FakeCall(b": hello\n\n", chunk("a")[:10], chunk("a")[10:], HANG)
    await opened(call)
    assert list(call.left) == [HANG]


async def test_what_came_before_the_first_event_is_held_and_then_sent() -> None:
    client, _, _ = await sent(b": hello\n\n", chunk("a")[:10], chunk("a")[10:], DONE)
    assert client.writes == [b": hello\n\n" + chunk("a"), DONE]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([faults.disconnected()], "upstream_disconnected"),
        ([b"data: {", faults.idle_timeout()], "stream_idle_timeout"),
        ([b'data: {"error": {"message": "m", "type": "overloaded_error"}}\n\n', HANG], None),
        ([b"data: nothing like JSON\n\n", HANG], "bad_upstream_event"),
        ([], "empty_response"),
        ([b": only a comment\n\n"], "empty_response"),
        ([DONE, HANG], "empty_response"),
        ([b"<html>", b"<p>Bad gateway</p>", b"</html>"], "bad_upstream_event"),
    ],
)
async def test_a_failure_before_the_first_event_is_raised(steps: list[Step], code: str | None) -> None:
    assert await begin_failure(*steps) == code


async def test_a_stream_that_is_over_at_once_has_begun() -> None:
    client, call, _ = await sent(chunk("a") + DONE)
    assert (client.writes, client.end, call.has_ended) == ([chunk("a") + DONE], "finish", True)


# From there to the end


async def test_status_and_headers_go_out_before_the_bytes() -> None:
    call, client = FakeCall(chunk("a"), DONE, status=201), FakeClient(leaves_at="write")
    with pytest.raises(ClientGone):
        await delivered(await opened(call), client)
    assert (client.status, dict(client.headers), client.writes) == (201, {"X": "1"}, [])


async def test_each_read_is_followed_by_its_write() -> None:
    events = [chunk("a"), chunk("b"), chunk("c"), DONE]
    client, _, stream = await sent(*events)
    assert (client.writes, client.end, stream.failure) == (events, "finish", None)


async def test_half_an_event_waits_for_its_other_half() -> None:
    client, _, _ = await sent(chunk("a"), chunk("b")[:9], chunk("b")[9:], DONE)
    assert client.writes == [chunk("a"), chunk("b"), DONE]


async def test_a_prefix_goes_out_first() -> None:
    client = FakeClient()
    await delivered(RelayStream(FakeCall(b"two"), Verbatim(), CIMultiDict(), prefix=b"one "), client)
    assert (client.body, client.end) == (b"one two", "finish")


async def test_a_missing_end_mark_is_added_where_all_else_is_there() -> None:
    client, _, stream = await sent(chunk("a"), FINISHED)
    assert (client.body, client.end, stream.failure) == (chunk("a") + FINISHED + DONE, "finish", None)


async def test_what_the_transform_adds_at_the_end_goes_out() -> None:
    client, _, _ = await sent(b"a", b"b", transform=Uppercase())
    assert client.body == b"AB<end>"


# Breaks


@pytest.mark.parametrize(
    "failure", [faults.disconnected(), faults.idle_timeout(), faults.total_timeout(), faults.protocol()]
)
async def test_a_break_becomes_an_error_event_and_a_clean_end(failure: UpstreamError) -> None:
    client, call, stream = await sent(chunk("a"), b"data: {half", failure, HANG)
    last = client.writes[-1]
    assert client.writes[:-1] == [chunk("a")]
    assert (last[:16], last[-2:]) == (b'data: {"error":{', b"\n\n")
    assert f'"code":"{failure.facts.code}"'.encode() in last
    assert (client.end, stream.failure, list(call.left), call.is_closed) == ("finish", failure, [HANG], True)


async def test_a_clean_end_without_the_end_mark_is_a_break() -> None:
    client, _, stream = await sent(chunk("a"))
    assert b'"code":"stream_truncated"' in client.writes[-1]
    assert stream.failure is not None
    assert client.end == "finish"


async def test_what_came_before_a_failure_of_the_transform_still_goes_out() -> None:
    client, call, _ = await sent(b"a", b"b!", HANG, transform=Uppercase())
    assert (client.body, client.end, list(call.left)) == (b"A<event_too_large>", "finish", [HANG])


async def test_a_break_of_a_body_that_has_no_events_breaks_the_client_off() -> None:
    call, client = FakeCall(b"two", faults.disconnected()), FakeClient()
    stream = RelayStream(call, Verbatim(), CIMultiDict(), prefix=b"one ")
    await delivered(stream, client)
    assert (client.body, client.end, call.is_closed) == (b"one two", "abort", True)
    assert stream.failure is not None


# A client that leaves


@pytest.mark.parametrize(("method", "stays_for"), [("start", 0), ("write", 0), ("write", 1), ("finish", 0)])
async def test_a_client_that_leaves_ends_the_call_and_is_no_failure(method: str, stays_for: int) -> None:
    call = FakeCall(chunk("a"), chunk("b"), DONE, HANG)
    stream = await opened(call)
    with pytest.raises(ClientGone):
        await delivered(stream, FakeClient(leaves_at=method, stays_for=stays_for))
    assert (call.is_closed, stream.failure, HANG in call.left) == (True, None, True)


# Behind the end mark


async def test_the_upstream_may_end_behind_its_end_mark() -> None:
    client, call, _ = await sent(chunk("a"), DONE, b": bye\n\n", chunk("more"))
    assert (client.body, call.has_ended) == (chunk("a") + DONE, True)


async def test_an_upstream_that_goes_on_for_long_behind_its_end_mark_is_given_up() -> None:
    client, call, _ = await sent(chunk("a"), DONE, *[bytes(SETTLE_BYTES // 4)] * 6)
    assert (len(call.left), call.has_ended, call.is_closed) == (2, False, True)
    assert client.end == "finish"


async def test_an_upstream_that_stays_open_behind_its_end_mark_is_given_up() -> None:
    client, call, stream = await sent(chunk("a"), DONE, HANG)
    assert (client.end, call.has_ended, call.is_closed, stream.failure) == ("finish", False, True, None)


async def test_a_break_behind_the_end_mark_is_no_failure() -> None:
    client, call, stream = await sent(chunk("a"), DONE, faults.disconnected())
    assert (client.body, client.end, stream.failure, call.is_closed) == (chunk("a") + DONE, "finish", None, True)


async def test_the_client_has_its_end_before_the_upstream_is_waited_for() -> None:
    call, client = FakeCall(chunk("a"), DONE, HANG), FakeClient()
    sending = asyncio.ensure_future(delivered(await opened(call), client))
    await call.hangs.wait()
    assert client.end == "finish"
    await sending


# Cancellation


@pytest.mark.parametrize("steps", [[chunk("a"), HANG], [chunk("a"), chunk("b"), HANG], [chunk("a"), DONE, HANG]])
async def test_a_stream_that_is_cancelled_closes_its_call(steps: list[Step]) -> None:
    call = FakeCall(*steps)
    sending = asyncio.ensure_future(delivered(await opened(call), FakeClient()))
    await call.hangs.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert call.is_closed


async def test_a_stream_that_is_never_sent_closes_its_call() -> None:
    call = FakeCall(chunk("a"), HANG)
    async with await opened(call):
        assert not call.is_closed
    assert call.is_closed
