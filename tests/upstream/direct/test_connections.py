"""What becomes of connections: kept, used again, closed, and never used where something is wrong with them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trustme

from relay.errors import Retry, UpstreamError
from relay.sweep import Sweep, sweeping
from relay.upstream.direct import DirectTransport, open_direct
from relay.upstream.direct.call import PIECE_BYTES
from relay.upstream.direct.dialer import Connecting, Dialer, NoDescriptors
from relay.upstream.direct.link import HOLD_BYTES
from relay.upstream.direct.pool import IDLE_S, READ_BYTES, Pool
from relay.upstream.direct.request import Origin
from relay.upstream.transport import Connection, Deadlines, SentHeaders, UpstreamCall, UpstreamRequest
from tests.conftest import StartUpstream
from tests.support.scripted import Out, Received, Script, answers, in_turn

PATIENT = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=30)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Bytes:
    """A sink."""

    def __init__(self, *, pauses: bool = False) -> None:
        self.body = b""
        self._pauses = pauses

    def feed(self, data: bytes, /) -> bool:
        self.body += data
        return not self._pauses


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sweep(clock: Clock) -> Sweep:
    return Sweep(clock)


@pytest.fixture
async def transport(sweep: Sweep) -> AsyncIterator[DirectTransport]:
    async with open_direct(sweep) as made:
        yield made
    assert len(sweep) == 0


def request(url: str, body: bytes = b"{}", connection: Connection = Connection.POOLED) -> UpstreamRequest:
    return UpstreamRequest("POST", f"{url}/x", SentHeaders({}), body, PATIENT, connection)


async def answered(transport: DirectTransport, made: UpstreamRequest) -> bytes:
    call, sink = await transport.send(made), Bytes()
    try:
        await pumped(call, sink)
    finally:
        call.close()
    return sink.body


async def together(transport: DirectTransport, url: str, count: int) -> list[bytes]:
    """So many calls at once, each on a connection of its own; the answers in the order in which these come back."""
    calls, bodies = await asyncio.gather(*(transport.send(request(url)) for _ in range(count))), []
    for call in calls:
        sink = Bytes()
        assert await call.pump(sink)
        call.close()
        bodies.append(sink.body)
    return bodies


def raw(data: bytes) -> Script:
    async def script(received: Received, out: Out) -> None:
        await out.raw(data)

    return script


async def turns(count: int = 20) -> None:
    """Let the loop see what has arrived."""
    for _ in range(count):
        await asyncio.sleep(0)


async def turns_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await turns(1)


async def pumped(call: UpstreamCall, sink: Bytes) -> None:
    """To the end, though the sink may pause."""
    async with asyncio.timeout(10):
        while not await call.pump(sink):
            await turns(1)


async def test_the_connection_that_came_back_last_goes_out_first(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    async def tell(received: Received, out: Out) -> None:
        told = repr(out.peer).encode()
        await out.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))

    upstream = await start_upstream(tell)
    *_, last = await together(transport, upstream.url, 3)
    assert [await answered(transport, request(upstream.url)) for _ in range(3)] == [last] * 3
    assert upstream.connections == 3


async def test_origins_do_not_share_connections(transport: DirectTransport, start_upstream: StartUpstream) -> None:
    one, two = await start_upstream(raw(OK)), await start_upstream(raw(OK))
    for upstream in (one, two, one, two):
        await answered(transport, request(upstream.url))
    assert (one.connections, two.connections) == (1, 1)


async def test_a_connection_that_rests_too_long_is_closed(
    transport: DirectTransport, start_upstream: StartUpstream, sweep: Sweep, clock: Clock
) -> None:
    upstream = await start_upstream(raw(OK))
    await answered(transport, request(upstream.url))
    clock.now_s += IDLE_S - 1
    sweep.tick()
    await answered(transport, request(upstream.url))
    clock.now_s += IDLE_S
    sweep.tick()
    await turns()
    assert len(sweep) == 0
    await answered(transport, request(upstream.url))
    assert upstream.connections == 2


async def test_a_connection_in_use_is_not_closed_for_its_age(
    transport: DirectTransport, start_upstream: StartUpstream, sweep: Sweep, clock: Clock
) -> None:
    upstream = await start_upstream(raw(OK))
    await answered(transport, request(upstream.url))
    call = await transport.send(request(upstream.url))
    clock.now_s += 9  # Less than any deadline of the call's own,
    for _ in range(10):
        sweep.tick()
    assert await call.pump(Bytes())
    call.close()
    assert upstream.connections == 1


async def test_a_connection_that_the_upstream_closed_is_not_used(
    transport: DirectTransport, start_upstream: StartUpstream, sweep: Sweep
) -> None:
    closed = asyncio.Event()

    async def closes(received: Received, out: Out) -> None:
        await out.raw(OK)
        await out.close()
        closed.set()

    upstream = await start_upstream(in_turn(closes, raw(OK)))
    await answered(transport, request(upstream.url))
    await closed.wait()
    await turns_until(lambda: len(sweep) == 0)
    assert await answered(transport, request(upstream.url)) == b"hi"
    assert upstream.connections == 2


@pytest.mark.parametrize("extra", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"\0", OK])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_connection_on_which_something_came_unasked_is_not_used(
    transport: DirectTransport, start_upstream: StartUpstream, sweep: Sweep, extra: bytes, at_once: bool
) -> None:
    taken = asyncio.Event()

    async def talks(received: Received, out: Out) -> None:
        if at_once:
            await out.raw(OK + extra)
        else:
            await out.raw(OK)
            await taken.wait()
            await out.raw(extra)

    upstream = await start_upstream(in_turn(talks, raw(OK.replace(b"hi", b"yo"))))
    assert await answered(transport, request(upstream.url)) == b"hi"
    taken.set()
    await turns_until(lambda: len(sweep) == 0)
    assert await answered(transport, request(upstream.url)) == b"yo"
    assert upstream.connections == 2


async def test_a_call_that_is_closed_after_its_whole_answer_came_gives_its_connection_back(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(raw(OK))
    call = await transport.send(request(upstream.url))
    call.close()
    assert await answered(transport, request(upstream.url)) == b"hi"
    assert upstream.connections == 1


async def test_a_connection_that_was_held_up_is_read_again_for_the_next_call(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    size_bytes = HOLD_BYTES + 1000
    upstream = await start_upstream(in_turn(answers(200, bytes(size_bytes)), raw(OK)))
    call = await transport.send(request(upstream.url))
    await turns(200)
    call.close()
    assert await answered(transport, request(upstream.url)) == b"hi"


async def test_little_is_held_of_an_answer_that_nobody_takes(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, bytes(8 * 1024 * 1024)))
    call = await transport.send(request(upstream.url))
    await turns(500)
    sink = Bytes(pauses=True)
    await call.pump(sink)
    assert len(sink.body) <= HOLD_BYTES + READ_BYTES
    call.close()


async def test_an_answer_may_come_before_the_whole_request_went_out(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    """With a 413, say. The rest is not sent, and the connection not used again."""

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        await left.wait()
        writer.close()

    left = asyncio.Event()
    async with await asyncio.start_server(refuses, "127.0.0.1", 0, limit=1024) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for _ in range(2):
            async with asyncio.timeout(10):
                call = await transport.send(request(url, bytes(64 * PIECE_BYTES)))
                sink = Bytes()
                assert await call.pump(sink)
                call.close()
            assert (call.head.status, sink.body) == (413, b"no")
        left.set()


@pytest.mark.parametrize("part", [b"HTTP/1.1 2", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n"])
async def test_a_call_is_not_repeated_once_a_part_of_its_answer_came(
    transport: DirectTransport, start_upstream: StartUpstream, part: bytes
) -> None:
    async def breaks_off(received: Received, out: Out) -> None:
        await out.raw(part)
        await out.close()

    upstream = await start_upstream(breaks_off)
    with pytest.raises(UpstreamError) as caught:
        await transport.send(request(upstream.url))
    assert (caught.value.facts.code, caught.value.retry) == ("upstream_disconnected", Retry.OTHER_TARGET)


async def test_a_head_that_is_too_large_is_told_at_once_though_it_comes_in_many_reads(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(190))
    upstream = await start_upstream(raw(head + b"\r\n"))
    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(transport.send(request(upstream.url)), 10)
    assert caught.value.facts.code == "upstream_protocol"


async def test_what_is_no_body_does_not_put_off_the_idle_deadline(
    transport: DirectTransport, start_upstream: StartUpstream, sweep: Sweep, clock: Clock
) -> None:
    more, asked = asyncio.Event(), request("")

    async def dribbles(received: Received, out: Out) -> None:
        await out.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1;a=")
        while True:
            await more.wait()
            more.clear()
            await out.raw(b"x")

    upstream = await start_upstream(dribbles)
    call = await transport.send(request(upstream.url))
    pumping = asyncio.ensure_future(call.pump(Bytes()))
    await turns(50)
    for _ in range(5):
        clock.now_s += asked.deadlines.idle_s / 4
        more.set()
        await turns(50)
        sweep.tick()
    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(pumping, 10)
    assert caught.value.facts.code == "stream_idle_timeout"
    call.close()


class Interrupting(Dialer):
    """Cancels the call at the moment at which its connection stands, or lets the handshake go on for ever."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        super().__init__(lambda: 0.0, tls)
        self.task: asyncio.Task[object] | None = None

    async def dial(self, origin: Origin, link: Connecting, *, within_s: float) -> None:
        made = link.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            made(transport)
            assert self.task is not None
            self.task.cancel()

        link.connection_made = connection_made  # type: ignore[method-assign]
        await super().dial(origin, link, within_s=within_s)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_call_that_is_cancelled_while_its_connection_is_made_leaves_nothing(scheme: str) -> None:
    left, authority = asyncio.Event(), trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        left.set()
        writer.close()

    sweep = Sweep()
    pool, dialer = Pool(sweep), Interrupting(lambda: trusting)
    tls = serving if scheme == "https" else None
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        dialer.task = asyncio.ensure_future(DirectTransport(pool, dialer, sweep).send(request(url)))
        with pytest.raises(asyncio.CancelledError):
            await dialer.task
        assert (len(pool), len(sweep)) == (0, 0)
        await asyncio.wait_for(left.wait(), 10)
    dialer.close()
    await asyncio.wait_for(pool.close(), 10)


async def test_a_handshake_that_fails_leaves_nothing() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    sweep = Sweep()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(serving)
    async with (
        await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving) as server,
        open_direct(sweep) as transport,
    ):
        for _ in range(5):
            with pytest.raises(UpstreamError) as caught:
                await transport.send(request(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
            assert caught.value.facts.code == "upstream_unreachable"
        assert len(sweep) == 0


async def test_connections_that_rest_make_room_where_there_are_no_descriptors(
    start_upstream: StartUpstream, sweep: Sweep
) -> None:
    class Scarce(Dialer):
        async def dial(self, origin: Origin, link: Connecting, *, within_s: float) -> None:
            if len(pool) > 3:
                raise NoDescriptors
            await super().dial(origin, link, within_s=within_s)

    pool, dialer = Pool(sweep), Scarce(lambda: 0.0, ssl.create_default_context)
    transport = DirectTransport(pool, dialer, sweep)
    upstreams = [await start_upstream(raw(OK)) for _ in range(6)]
    for upstream in upstreams:
        assert await answered(transport, request(upstream.url)) == b"hi"
    busy = [await transport.send(request(upstreams[0].url, connection=Connection.FRESH)) for _ in range(3)]
    with pytest.raises(UpstreamError) as caught:
        await transport.send(request(upstreams[1].url))
    assert caught.value.facts.code == "relay_overloaded"
    for call in busy:
        call.close()
    dialer.close()
    await pool.close()


@pytest.mark.parametrize("then", ["close", "abort"])
async def test_an_upload_into_a_connection_that_ends_is_a_failure(
    transport: DirectTransport, start_upstream: StartUpstream, then: str
) -> None:
    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if then == "abort":
            writer.transport.abort()
        writer.close()

    async with await asyncio.start_server(leaves, "127.0.0.1", 0, limit=1024) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(UpstreamError) as caught:
            await answered(transport, request(url, bytes(64 * PIECE_BYTES)))
    assert (caught.value.facts.code, caught.value.retry) == ("upstream_disconnected", Retry.SAME_ONCE)


async def test_a_reset_is_no_end_even_where_only_the_connections_end_ends_the_body(
    transport: DirectTransport, start_upstream: StartUpstream
) -> None:
    async def resets(received: Received, out: Out) -> None:
        await out.raw(b"HTTP/1.0 200 OK\r\n\r\nhello")
        await arrived.wait()
        out.abort()

    arrived = asyncio.Event()
    upstream = await start_upstream(resets)
    call = await transport.send(request(upstream.url))
    sink = Bytes(pauses=True)
    await call.pump(sink)
    arrived.set()
    with pytest.raises(UpstreamError) as caught:
        await pumped(call, sink)
    assert (sink.body, caught.value.facts.code) == (b"hello", "upstream_disconnected")
    call.close()


async def test_a_malformed_chunk_is_told_at_once(transport: DirectTransport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nnot hex\r\n"))
    call, sink = await transport.send(request(upstream.url)), Bytes()
    with pytest.raises(UpstreamError) as caught:  # No sweep is running that could end the wait.
        await call.pump(sink)
    assert (sink.body, caught.value.facts.code) == (b"hi", "upstream_protocol")
    call.close()


async def test_all_connections_are_closed_with_the_transport(start_upstream: StartUpstream) -> None:
    left = [asyncio.Event(), asyncio.Event()]

    async def script(received: Received, out: Out) -> None:
        event = left[len(upstream.received) - 1]
        await out.raw(OK if len(upstream.received) == 1 else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await out.peer_left()
        event.set()

    upstream = await start_upstream(script)
    sweep = Sweep()
    async with open_direct(sweep) as transport:
        resting = await transport.send(request(upstream.url))
        await resting.pump(Bytes())
        busy = await transport.send(request(upstream.url, connection=Connection.FRESH))
    assert len(sweep) == 0
    for event in left:
        await asyncio.wait_for(event.wait(), 10)
    with pytest.raises(UpstreamError):
        await pumped(busy, Bytes())
    busy.close()


@asynccontextmanager
async def over_tls(script: Serve) -> AsyncIterator[tuple[str, DirectTransport]]:
    """A server that speaks TLS, and a transport that trusts it."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    sweep = Sweep()
    async with (
        await asyncio.start_server(script, "127.0.0.1", 0, ssl=serving) as server,
        sweeping(sweep, interval_s=0.02),
        open_direct(sweep, tls=lambda: trusting) as transport,
    ):
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", transport


async def test_calls_go_over_tls_on_a_connection_that_is_kept() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.read(65536):
            writer.write(OK)
        writer.close()

    async with over_tls(serve) as (url, transport):
        for _ in range(3):
            assert await answered(transport, request(url)) == b"hi"
    assert connections == 1


async def test_a_large_answer_over_tls_is_whole_though_its_reader_pauses() -> None:
    body = b"0123456789abcdef" * 200_000

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await reader.read()
        writer.close()

    async with over_tls(serve) as (url, transport):
        call, sink = await transport.send(request(url)), Bytes(pauses=True)
        await pumped(call, sink)
        call.close()
    assert sink.body == body
