"""Names, addresses and TLS."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from relay.errors import Retry, UpstreamError
from relay.upstream.direct import dialer as dialing
from relay.upstream.direct.dialer import NAMES_KEPT_S, Connecting, Dialer, Names, NoDescriptors
from relay.upstream.direct.request import Origin


class Greeting(asyncio.Protocol, Connecting):
    """Hears one line."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.is_lost = asyncio.Event()
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard.set_result(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost.set()

    @property
    def is_connected(self) -> bool:
        return self.transport is not None

    def abort(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA | None) -> Callable[[], ssl.SSLContext]:
    def make() -> ssl.SSLContext:
        context = ssl.create_default_context()
        if authority is not None:
            authority.configure_trust(context)
        return context

    return make


@asynccontextmanager
async def greeter(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says hello; its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def secured(authority: trustme.CA, name: str, alpn: list[str]) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(alpn)
    authority.issue_cert(name).configure_cert(context)
    async with greeter(context) as port:
        yield port


async def dialed(origin: Origin, authority: trustme.CA | None = None, within_s: float = 10) -> Greeting:
    dialer, greeting = Dialer(lambda: 0.0, trusting(authority)), Greeting()
    try:
        await dialer.dial(origin, greeting, within_s=within_s)
    finally:
        dialer.close()
    return greeting


async def refused(origin: Origin, authority: trustme.CA | None = None) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await dialed(origin, authority)
    return caught.value


async def test_an_address_is_connected_to() -> None:
    async with greeter() as port:
        made = await dialed(Origin(False, "127.0.0.1", port))
        assert await made.heard == b"hello"
        await made.is_lost.wait()


async def test_a_name_is_connected_to_by_whichever_address_works() -> None:
    async with greeter() as port:  # Listens on 127.0.0.1 alone, while the name may stand for ::1 as well.
        made = await dialed(Origin(False, "localhost", port))
        assert await made.heard == b"hello"
        await made.is_lost.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_tls_is_spoken_and_http_1_1_is_asked_for(authority: trustme.CA, host: str) -> None:
    async with secured(authority, host, ["h2", "http/1.1"]) as port:
        made = await dialed(Origin(True, host, port), authority)
        assert made.transport is not None
        assert made.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert await made.heard == b"hello"
        await made.is_lost.wait()


async def test_a_certificate_of_nobody_known_is_refused(authority: trustme.CA) -> None:
    async with secured(authority, "127.0.0.1", []) as port:
        error = await refused(Origin(True, "127.0.0.1", port))
    assert (error.facts.code, error.retry) == ("upstream_unreachable", Retry.OTHER_TARGET)


async def test_a_certificate_of_another_host_is_refused(authority: trustme.CA) -> None:
    async with secured(authority, "other.test", []) as port:
        assert (await refused(Origin(True, "127.0.0.1", port), authority)).facts.code == "upstream_unreachable"


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".test", ".."])
async def test_what_is_no_name_is_unreachable(host: str) -> None:
    assert (await refused(Origin(False, host, 80))).facts.code == "upstream_unreachable"


async def test_no_descriptor_is_the_relays_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_left(*given: object, **options: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(dialing, "start_connection", none_left)
    with pytest.raises(NoDescriptors):
        await dialed(Origin(False, "127.0.0.1", 9))


async def test_a_handshake_that_takes_too_long_leaves_no_connection() -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        left.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await dialed(Origin(True, "127.0.0.1", port), within_s=0.05)
        await asyncio.wait_for(left.wait(), 10)


# Names


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up; those that begin with `no` are not found."""
    names: list[str] = []

    async def look_up(host: str, port: int) -> dialing.Addresses:
        names.append(host)
        await asyncio.sleep(0)
        if host.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{len(names)}", port))]

    monkeypatch.setattr(dialing, "_look_up", look_up)
    return names


async def test_those_who_ask_at_once_share_a_query(asked: list[str]) -> None:
    names = Names(Clock())
    answers = await asyncio.gather(*(names.addresses("a.test", 1) for _ in range(50)))
    assert (asked, len({answer[0][4][0] for answer in answers})) == (["a.test"], 1)


async def test_an_answer_is_kept_for_a_while(asked: list[str]) -> None:
    clock = Clock()
    names = Names(clock)
    for now_s in (0, NAMES_KEPT_S, NAMES_KEPT_S + 1, 2 * NAMES_KEPT_S + 1):
        clock.now_s = 1000 + now_s
        await names.addresses("a.test", 1)
    assert asked == ["a.test", "a.test"]


async def test_a_failure_is_not_kept(asked: list[str]) -> None:
    names = Names(Clock())
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await names.addresses("no.test", 1)
    assert asked == ["no.test", "no.test"]


async def test_who_stops_waiting_does_not_stop_the_others(asked: list[str]) -> None:
    names = Names(Clock())
    first, second = (asyncio.ensure_future(names.addresses("a.test", 1)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)[0][4] == ("192.0.2.1", 1)
    assert asked == ["a.test"]


async def test_a_query_that_nobody_waits_for_ends_with_the_names(asked: list[str]) -> None:
    names = Names(Clock())
    waiting = asyncio.ensure_future(names.addresses("no.test", 1))
    await asyncio.sleep(0)
    names.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
