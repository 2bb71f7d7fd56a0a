"""What every transport over the network does, against an upstream that is scripted byte by byte.

Nothing here knows which transport it has: a second one is one more row of TRANSPORTS.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from multidict import CIMultiDict

from relay.errors import Retry, UpstreamError
from relay.sweep import Sweep, sweeping
from relay.upstream.direct import open_direct
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Connection, Deadlines, Head, SentHeaders, Transport, UpstreamRequest
from tests.conftest import StartUpstream
from tests.support.scripted import Out, Received, Script, ScriptedUpstream, answers, in_turn, streams

PATIENT = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=30)
KEY = "sk-canary-0123456789"
HEAD = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def session_transport() -> AsyncIterator[Transport]:
    async with open_sessions() as sessions:
        sweep = Sweep()
        async with sweeping(sweep, interval_s=0.02):
            yield SessionTransport(sessions, sweep)


@asynccontextmanager
async def direct_transport() -> AsyncIterator[Transport]:
    sweep = Sweep()
    async with open_direct(sweep) as transport, sweeping(sweep, interval_s=0.02):
        yield transport


TRANSPORTS: dict[str, Callable[[], AbstractAsyncContextManager[Transport]]] = {
    "direct": direct_transport,
    "session": session_transport,
}


@pytest.fixture(params=list(TRANSPORTS))
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    async with TRANSPORTS[request.param]() as made:
        yield made


class Bytes:
    """A sink that keeps what it gets; with `pauses` it asks for a pause after each feed."""

    def __init__(self, *, pauses: bool = False) -> None:
        self.pieces: list[bytes] = []
        self.arrived = asyncio.Event()
        self._wants_more = not pauses

    def feed(self, data: bytes, /) -> bool:
        self.pieces.append(bytes(data))
        self.arrived.set()
        return self._wants_more

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def ask(
    url: str,
    *headers: tuple[str, str],
    deadlines: Deadlines = PATIENT,
    connection: Connection = Connection.POOLED,
    body: bytes = b"{}",
    query: str = "",
) -> UpstreamRequest:
    sent = SentHeaders(CIMultiDict([*headers, ("Authorization", f"Bearer {KEY}")]))
    return UpstreamRequest("POST", f"{url}/v1/x{query}", sent, body, deadlines, connection)


async def answered(transport: Transport, request: UpstreamRequest, sink: Bytes | None = None) -> tuple[Head, bytes]:
    """One whole exchange."""
    sink = sink or Bytes()
    call = await transport.send(request)
    try:
        while not await call.pump(sink):
            pass
        return call.head, sink.body
    finally:
        call.close()


async def failed(transport: Transport, request: UpstreamRequest, sink: Bytes | None = None) -> UpstreamError:
    """The failure of one exchange, wherever it comes."""
    with pytest.raises(UpstreamError) as caught:
        await answered(transport, request, sink)
    return caught.value


def writes(data: bytes, *, then: str = "stay") -> Script:
    """Bytes as they are, in one write; then the connection stays open, is closed, or is reset."""

    async def script(request: Received, out: Out) -> None:
        await out.raw(data)
        await _leave(out, then)

    return script


def writes_in_two(first: bytes, second: bytes, sink: Bytes, *, then: str = "stay") -> Script:
    """As `writes`; the second part goes out once the body's first bytes have reached the sink."""

    async def script(request: Received, out: Out) -> None:
        await out.raw(first)
        await sink.arrived.wait()
        await out.raw(second)
        await _leave(out, then)

    return script


async def _leave(out: Out, then: str) -> None:
    if then == "close":
        await out.close()
    elif then == "reset":
        out.abort()
    elif then == "stay":
        await out.peer_left()


async def silence(request: Received, out: Out) -> None:
    await out.peer_left()


# What goes out


async def test_a_request_arrives_as_it_was_made(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    request = ask(upstream.url, ("x-b", "1"), ("X-A", "2"), ("x-b", "3"), body=b'{"a":1}', query="?q=%2Fa%20b&q=c+d")
    await answered(transport, request)
    (received,) = upstream.received
    assert (received.method, received.target, received.body) == ("POST", "/v1/x?q=%2Fa%20b&q=c+d", b'{"a":1}')
    assert [header for header in received.headers if header[0].lower().startswith("x-")] == [
        ("x-b", "1"),
        ("X-A", "2"),
        ("x-b", "3"),
    ]


async def test_nothing_is_added_to_a_request_but_what_http_needs(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    always = [("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Content-Type", "application/json")]
    await answered(transport, ask(upstream.url, *always, ("User-Agent", "ours")))
    names = sorted(name.lower() for name, _ in upstream.received[0].headers)
    given = ["accept", "accept-encoding", "authorization", "content-type", "user-agent"]
    assert names == sorted([*given, "content-length", "host"])


async def test_a_large_body_arrives_whole_and_with_its_length(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    body = b"0123456789abcdef" * 100_000
    await answered(transport, ask(upstream.url, body=body))
    (received,) = upstream.received
    assert received.body == body
    assert received.header("Content-Length") == str(len(body))


async def test_bytes_that_are_no_text_in_a_header_do_no_harm(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    head, _ = await answered(transport, ask(upstream.url, ("User-Agent", "caf\udce9")))
    assert head.status == 200


async def test_a_proxy_of_the_environment_is_not_used(
    transport: Transport, start_upstream: StartUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    upstream = await start_upstream(answers(200, b"{}"))
    assert (await answered(transport, ask(upstream.url)))[0].status == 200


async def test_cookies_are_not_kept_between_calls(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, b"{}", [("Set-Cookie", "user=one; Path=/")]))
    for _ in range(2):
        # By name: an ordinary jar keeps no cookies of a bare address.
        await answered(transport, ask(upstream.url.replace("127.0.0.1", "localhost")))
    assert [request.header("Cookie") for request in upstream.received] == [None, None]


# Whole answers


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\nhello", "stay"),
        (HEAD + b"Content-Length: 5\r\n\r\nhello", "close"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "stay"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n", "stay"),
        (HEAD + b"Connection: close\r\n\r\nhello", "close"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", "close"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "stay"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello", "stay"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello", "stay"),
    ],
)
async def test_a_body_is_whole_however_it_is_framed(
    transport: Transport, start_upstream: StartUpstream, answer: bytes, then: str
) -> None:
    upstream = await start_upstream(writes(answer, then=then))
    head, body = await answered(transport, ask(upstream.url))
    assert (head.status, body) == (200, b"hello")


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Content-Length: 9\r\n\r\nwhole",
        HEAD + b"Connection: close\r\nContent-Length: 9\r\n\r\nwhole",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nwhole",
    ],
)
async def test_an_answer_is_whole_though_its_connection_ends_before_a_slow_reader_has_taken_it(
    transport: Transport, start_upstream: StartUpstream, head: bytes, then: str
) -> None:
    if then == "reset" and isinstance(transport, SessionTransport):
        return  # aiohttp drops what it has read when a reset comes.
    sink = Bytes(pauses=True)
    rest = b"4\r\nness\r\n0\r\n\r\n" if b"chunked" in head else b"ness"
    upstream = await start_upstream(writes(head + rest, then=then))
    call = await transport.send(ask(upstream.url))
    for _ in range(100):
        await asyncio.sleep(0)  # The end of the connection is seen before anything is taken.
    while not await call.pump(sink):
        pass
    call.close()
    assert sink.body == b"wholeness"


@pytest.mark.parametrize(
    "answer", [HEAD + b"Content-Length: 0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Same\r\n\r\n"]
)
async def test_an_answer_may_have_no_body(transport: Transport, start_upstream: StartUpstream, answer: bytes) -> None:
    upstream = await start_upstream(writes(answer))
    assert (await answered(transport, ask(upstream.url)))[1] == b""


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 429, 500, 503, 529])
async def test_every_status_comes_back_with_its_body(
    transport: Transport, start_upstream: StartUpstream, status: int
) -> None:
    upstream = await start_upstream(answers(status, b'{"error":1}', [("Retry-After", "3"), ("X-A", "1"), ("x-a", "2")]))
    head, body = await answered(transport, ask(upstream.url))
    assert (head.status, head.headers["retry-after"], head.headers.getall("X-A"), body) == (
        status,
        "3",
        ["1", "2"],
        b'{"error":1}',
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(
    transport: Transport, start_upstream: StartUpstream, status: int
) -> None:
    elsewhere = await start_upstream(answers(200, b"{}"))
    upstream = await start_upstream(answers(status, b"", [("Location", f"{elsewhere.url}/v1/x")]))
    head, _ = await answered(transport, ask(upstream.url))
    assert (head.status, len(upstream.received), len(elsewhere.received)) == (status, 1, 0)


# Pumping


async def test_bytes_come_before_the_answer_has_ended(transport: Transport, start_upstream: StartUpstream) -> None:
    sink = Bytes()
    first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
    upstream = await start_upstream(writes_in_two(first, b"3\r\ntwo\r\n0\r\n\r\n", sink))
    await answered(transport, ask(upstream.url), sink)
    assert sink.pieces == [b"one", b"two"]


async def test_nothing_is_lost_when_the_sink_pauses_after_each_read(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    pieces = [b"%04d;" % number for number in range(2000)]
    upstream = await start_upstream(streams(pieces))
    _, body = await answered(transport, ask(upstream.url), Bytes(pauses=True))
    assert body == b"".join(pieces)


async def test_a_pause_is_told_at_once(transport: Transport, start_upstream: StartUpstream) -> None:
    sink = Bytes(pauses=True)
    upstream = await start_upstream(writes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n"))
    call = await transport.send(ask(upstream.url))
    assert await call.pump(sink) is False
    assert sink.pieces == [b"one"]
    call.close()


async def test_the_end_is_told_after_a_pause_behind_the_last_bytes(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b"hello"))
    call = await transport.send(ask(upstream.url))
    assert await call.pump(Bytes(pauses=True)) is False
    rest = Bytes()
    assert await call.pump(rest) is True
    assert rest.body == b""
    call.close()


async def test_an_upstream_is_held_up_while_the_sink_pauses(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    size_bytes, block = 64 * 1024 * 1024, bytes(64 * 1024)
    sent_bytes = 0

    async def flood(request: Received, out: Out) -> None:
        nonlocal sent_bytes
        await out.head(200, [("Content-Length", str(size_bytes))])
        while sent_bytes < size_bytes:
            await out.raw(block)
            sent_bytes += len(block)

    upstream = await start_upstream(flood)
    call = await transport.send(ask(upstream.url))
    sink = Bytes(pauses=True)
    await call.pump(sink)
    seen_bytes = -1
    while sent_bytes > seen_bytes:
        seen_bytes = sent_bytes
        for _ in range(500):
            await asyncio.sleep(0)
    assert sent_bytes < size_bytes / 2
    received_bytes = len(sink.body)
    while not await call.pump(counting := Bytes(pauses=True)):
        received_bytes += len(counting.body)
    assert received_bytes == size_bytes
    call.close()


# No head


async def test_a_refused_port_is_unreachable(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await failed(transport, ask(f"http://127.0.0.1:{port}"))
    assert (error.facts.status, error.facts.code, error.retry) == (502, "upstream_unreachable", Retry.OTHER_TARGET)


async def test_a_server_that_speaks_no_tls_is_unreachable_by_https(transport: Transport) -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failed(transport, ask(f"https://127.0.0.1:{port}"))
    assert (error.facts.code, error.retry) == ("upstream_unreachable", Retry.OTHER_TARGET)


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port whose queue of waiting connections is full: Linux then lets further ones wait."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


async def test_a_connection_that_is_not_accepted_in_time_is_a_timeout(transport: Transport, busy_port: int) -> None:
    deadlines = Deadlines(connect_s=0.05, first_byte_s=10, idle_s=10, total_s=10)
    error = await failed(transport, ask(f"http://127.0.0.1:{busy_port}", deadlines=deadlines))
    assert (error.facts.status, error.facts.code, error.retry) == (504, "upstream_timeout", Retry.OTHER_TARGET)
    assert "accept a connection" in error.facts.message


async def test_silence_before_the_head_ends_at_the_first_byte_deadline(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(silence)
    deadlines = Deadlines(connect_s=0.05, first_byte_s=0.05, idle_s=10, total_s=10)
    error = await failed(transport, ask(upstream.url, deadlines=deadlines))
    assert (error.facts.status, error.facts.code, error.retry) == (504, "upstream_timeout", Retry.OTHER_TARGET_ONCE)
    assert "did not answer" in error.facts.message


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", HEAD + b"Content-Type: x\r\n"])
async def test_a_connection_that_ends_before_the_head_may_be_tried_again_once(
    transport: Transport, start_upstream: StartUpstream, answer: bytes, then: str
) -> None:
    upstream = await start_upstream(writes(answer, then=then))
    error = await failed(transport, ask(upstream.url))
    assert (error.facts.status, error.facts.code) == (502, "upstream_disconnected")
    assert error.retry is Retry.SAME_ONCE or answer  # With a part of an answer, only aiohttp's client can't tell.


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        HEAD + b"no colon here\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HEAD + b"Content-Length: three\r\n\r\nabc",
        HEAD + b"X-Long: " + b"a" * (64 * 1024 + 1) + b"\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(201)) + b"\r\n",
    ],
    ids=["other protocol", "no status", "no header", "two lengths", "no length", "long header", "201 headers"],
)
async def test_what_is_no_valid_head_is_a_protocol_error(
    transport: Transport, start_upstream: StartUpstream, answer: bytes
) -> None:
    upstream = await start_upstream(writes(answer))
    error = await failed(transport, ask(upstream.url))
    assert (error.facts.status, error.facts.code, error.retry) == (502, "upstream_protocol", Retry.OTHER_TARGET)


@pytest.mark.parametrize(
    "headers",
    [b"X-Long: " + b"a" * 60_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % number for number in range(190))],
    ids=["long header", "190 headers"],
)
async def test_a_large_head_below_the_limits_is_fine(
    transport: Transport, start_upstream: StartUpstream, headers: bytes
) -> None:
    upstream = await start_upstream(writes(HEAD + headers + b"Content-Length: 0\r\n\r\n"))
    assert (await answered(transport, ask(upstream.url)))[0].status == 200


# Broken bodies


async def test_silence_behind_the_head_ends_at_the_first_byte_deadline(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(writes(HEAD + b"Content-Length: 5\r\n\r\n"))
    deadlines = Deadlines(connect_s=10, first_byte_s=0.05, idle_s=10, total_s=20)
    error = await failed(transport, ask(upstream.url, deadlines=deadlines))
    assert (error.facts.status, error.facts.code) == (504, "upstream_timeout")
    assert "did not answer" in error.facts.message


async def test_a_stall_in_the_middle_ends_at_the_idle_deadline(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    sink = Bytes()
    upstream = await start_upstream(writes(HEAD + b"Content-Length: 5\r\n\r\nhe"))
    deadlines = Deadlines(connect_s=10, first_byte_s=10, idle_s=0.05, total_s=20)
    error = await failed(transport, ask(upstream.url, deadlines=deadlines), sink)
    assert (error.facts.code, sink.body) == ("stream_idle_timeout", b"he")


@pytest.mark.parametrize(
    "answer", [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\n", HEAD + b"Content-Length: 5\r\n\r\nh"]
)
async def test_the_whole_call_ends_at_the_total_deadline(
    transport: Transport, start_upstream: StartUpstream, answer: bytes
) -> None:
    upstream = await start_upstream(writes(answer))
    deadlines = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=0.05)
    error = await failed(transport, ask(upstream.url, deadlines=deadlines))
    assert (error.facts.status, error.facts.code, error.retry) == (504, "upstream_timeout", Retry.NEVER)


async def test_an_answer_that_never_pauses_ends_at_the_total_deadline_too(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    async def endless(request: Received, out: Out) -> None:
        await out.head(200, [("Transfer-Encoding", "chunked")])
        while True:
            await out.chunk(bytes(1000))

    upstream = await start_upstream(endless)
    deadlines = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=0.05)
    assert (await failed(transport, ask(upstream.url, deadlines=deadlines))).retry is Retry.NEVER


async def test_bytes_that_wait_already_do_not_put_off_the_total_deadline(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(writes(HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(999_999)))
    deadlines = Deadlines(connect_s=10, first_byte_s=10, idle_s=10, total_s=0.1)
    call = await transport.send(ask(upstream.url, deadlines=deadlines))
    await call.pump(Bytes(pauses=True))
    await asyncio.sleep(deadlines.total_s)  # The deadline passes while a slow client is written to.
    with pytest.raises(UpstreamError) as caught:
        await call.pump(Bytes(pauses=True))
    assert "too long" in caught.value.facts.message
    call.close()


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"Content-Length: 10\r\n\r\nhello", b""),
        (b"Content-Length: 10\r\n\r\nhello", b"you"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"5\r\nyo"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"0\r\n"),
    ],
)
async def test_a_body_that_breaks_off_is_no_end(
    transport: Transport, start_upstream: StartUpstream, head: bytes, rest: bytes, then: str
) -> None:
    sink = Bytes()
    upstream = await start_upstream(writes_in_two(HEAD + head, rest, sink, then=then))
    error = await failed(transport, ask(upstream.url), sink)
    assert (error.facts.status, error.facts.code, error.retry) == (502, "upstream_disconnected", Retry.OTHER_TARGET)
    assert sink.body.startswith(b"hello")


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_break_right_behind_the_head_is_no_end(
    transport: Transport, start_upstream: StartUpstream, then: str
) -> None:
    upstream = await start_upstream(writes(HEAD + b"Content-Length: 10\r\n\r\n", then=then))
    assert (await failed(transport, ask(upstream.url))).facts.code == "upstream_disconnected"


@pytest.mark.parametrize("then", ["stay", "close", "reset"])
async def test_a_malformed_chunk_is_a_protocol_error_by_the_idle_deadline(
    transport: Transport, start_upstream: StartUpstream, then: str
) -> None:
    sink = Bytes()
    first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    upstream = await start_upstream(writes_in_two(first, b"not hex\r\n", sink, then=then))
    deadlines = Deadlines(connect_s=10, first_byte_s=10, idle_s=0.05, total_s=20)
    error = await failed(transport, ask(upstream.url, deadlines=deadlines), sink)
    assert (error.facts.status, error.facts.code, sink.body) == (502, "upstream_protocol", b"hello")


# Codings


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_compressed_body_is_undone(
    transport: Transport, start_upstream: StartUpstream, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    upstream = await start_upstream(answers(200, encode(b"hello" * 1000), [("Content-Encoding", coding)]))
    assert (await answered(transport, ask(upstream.url)))[1] == b"hello" * 1000


async def test_a_compressed_stream_comes_out_as_it_arrives(transport: Transport, start_upstream: StartUpstream) -> None:
    sink = Bytes()
    deflater = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    one = deflater.compress(b"one") + deflater.flush(zlib.Z_SYNC_FLUSH)
    two = deflater.compress(b"two") + deflater.flush()
    head = HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(data), data) for data in (one, two)]
    upstream = await start_upstream(writes_in_two(head + chunks[0], chunks[1] + b"0\r\n\r\n", sink))
    await answered(transport, ask(upstream.url), sink)
    assert sink.pieces == [b"one", b"two"]


async def test_nothing_of_a_bomb_is_lost_when_the_sink_pauses(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    zeros = bytes(3_000_000)
    sink = Bytes(pauses=True)
    upstream = await start_upstream(answers(200, gzip.compress(zeros, mtime=0), [("Content-Encoding", "gzip")]))
    await answered(transport, ask(upstream.url), sink)
    assert sink.body == zeros
    assert len(sink.pieces) > 10


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not gzip at all", "upstream_protocol"),
        (gzip.compress(b"hello", mtime=0)[:-8] + bytes(8), "upstream_protocol"),
        (gzip.compress(b"hello", mtime=0)[:-3], "upstream_disconnected"),
    ],
)
async def test_a_corrupt_compressed_body_is_no_end(
    transport: Transport, start_upstream: StartUpstream, body: bytes, code: str
) -> None:
    upstream = await start_upstream(answers(200, body, [("Content-Encoding", "gzip")]))
    assert (await failed(transport, ask(upstream.url))).facts.code == code


@pytest.mark.parametrize("codings", [["br"], ["zstd"], ["gzip, br"], ["gzip", "gzip"], ["identity", "br"]])
async def test_a_coding_that_the_relay_cannot_undo_is_a_protocol_error(
    transport: Transport, start_upstream: StartUpstream, codings: list[str]
) -> None:
    headers = [("Content-Encoding", coding) for coding in codings]
    upstream = await start_upstream(answers(200, b"hello", headers))
    assert (await failed(transport, ask(upstream.url))).facts.code == "upstream_protocol"


# Connections


async def test_a_connection_serves_again_after_a_clean_end(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(in_turn(answers(200, b"{}"), streams([b"a", b"b"]), answers(429, b"{}")))
    for _ in range(3):
        await answered(transport, ask(upstream.url))
    assert (len(upstream.received), upstream.connections) == (3, 1)


async def test_a_fresh_call_opens_a_connection_of_its_own(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    await answered(transport, ask(upstream.url))
    await answered(transport, ask(upstream.url, connection=Connection.FRESH))
    assert upstream.connections == 2


async def test_a_connection_is_not_used_again_after_a_call_was_closed_in_the_middle(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(
        in_turn(writes(HEAD + b"Content-Length: 10\r\n\r\nhello", then="return"), answers(200, b"{}"))
    )
    call = await transport.send(ask(upstream.url))
    await call.pump(Bytes(pauses=True))
    call.close()
    await answered(transport, ask(upstream.url))
    assert upstream.connections == 2


async def test_a_dead_pooled_connection_is_told_and_a_fresh_one_succeeds(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(in_turn(answers(200, b"{}"), writes(b"", then="reset"), answers(200, b"again")))
    await answered(transport, ask(upstream.url))
    error = await failed(transport, ask(upstream.url))
    assert (error.facts.code, error.retry, upstream.connections) == ("upstream_disconnected", Retry.SAME_ONCE, 1)
    _, body = await answered(transport, ask(upstream.url, connection=Connection.FRESH))
    assert (body, upstream.connections) == (b"again", 2)


async def test_no_call_waits_for_another_to_end(transport: Transport, start_upstream: StartUpstream) -> None:
    count, arrived = 120, asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        if len(upstream.received) == count:
            arrived.set()
        await arrived.wait()
        await out.raw(HEAD + b"Content-Length: 0\r\n\r\n")

    upstream: ScriptedUpstream = await start_upstream(script)
    async with asyncio.timeout(10):
        await asyncio.gather(*(answered(transport, ask(upstream.url)) for _ in range(count)))
    assert upstream.connections == count


# Letting go


def tells_when_left(answer: bytes, left: asyncio.Event) -> Script:
    async def script(request: Received, out: Out) -> None:
        await out.raw(answer)
        await out.peer_left()
        left.set()

    return script


@pytest.mark.parametrize("reads", [0, 1])
async def test_closing_a_call_in_the_middle_closes_its_connection_at_once(
    transport: Transport, start_upstream: StartUpstream, reads: int
) -> None:
    left = asyncio.Event()
    upstream = await start_upstream(tells_when_left(HEAD + b"Content-Length: 10\r\n\r\nhello", left))
    call = await transport.send(ask(upstream.url))
    for _ in range(reads):
        await call.pump(Bytes(pauses=True))
    call.close()
    await asyncio.wait_for(left.wait(), 1)


async def test_a_call_that_is_cancelled_before_its_head_closes_its_connection(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def never_answers(request: Received, out: Out) -> None:
        arrived.set()
        await out.peer_left()
        left.set()

    upstream = await start_upstream(never_answers)
    sending = asyncio.ensure_future(transport.send(ask(upstream.url)))
    await arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await asyncio.wait_for(left.wait(), 1)


async def test_a_call_that_is_cancelled_while_it_pumps_can_be_closed(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    left, sink = asyncio.Event(), Bytes()
    upstream = await start_upstream(tells_when_left(HEAD + b"Content-Length: 10\r\n\r\nhello", left))
    call = await transport.send(ask(upstream.url))
    pumping = asyncio.ensure_future(call.pump(sink))
    await sink.arrived.wait()
    pumping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pumping
    call.close()
    await asyncio.wait_for(left.wait(), 1)


async def test_a_failed_call_closes_its_connection(transport: Transport, start_upstream: StartUpstream) -> None:
    left = asyncio.Event()
    upstream = await start_upstream(tells_when_left(HEAD + b"Content-Encoding: br\r\nContent-Length: 9\r\n\r\n", left))
    await failed(transport, ask(upstream.url))
    await asyncio.wait_for(left.wait(), 1)


async def test_a_call_may_be_closed_twice(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(writes(HEAD + b"Content-Length: 10\r\n\r\nhello"))
    call = await transport.send(ask(upstream.url))
    call.close()
    call.close()


# What an error says


@pytest.mark.parametrize(
    "script",
    [
        silence,
        writes(b"", then="close"),
        writes(b"", then="reset"),
        writes(b"rubbish\r\n\r\n"),
        writes(HEAD + b"Content-Length: 5\r\n\r\n"),
        writes(HEAD + b"Content-Length: 5\r\n\r\nhe"),
        writes(HEAD + b"Content-Length: 5\r\n\r\nhe", then="close"),
        writes(HEAD + b"Content-Encoding: secret\r\nContent-Length: 0\r\n\r\n"),
        None,
    ],
)
async def test_no_error_tells_where_the_upstream_is_or_with_which_key_it_is_called(
    transport: Transport, start_upstream: StartUpstream, script: Script | None
) -> None:
    url = (await start_upstream(script)).url if script is not None else "http://127.0.0.1:1"
    deadlines = Deadlines(connect_s=0.05, first_byte_s=0.05, idle_s=0.05, total_s=5)
    error = await failed(transport, ask(url, deadlines=deadlines))
    told = f"{error} {error!r} {error.facts} {error.body!r}"
    port = url.rpartition(":")[2]
    assert [word for word in ("127.0.0.1", "localhost", f":{port}", "http://", "/v1/x", KEY) if word in told] == []
