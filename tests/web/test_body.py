"""Reading a request's body: its bounds in size, time and memory."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EmptyStreamReader
from aiohttp.test_utils import make_mocked_request

from relay.core.admission import BodyBudget
from relay.errors import BodyTimeout, BodyTooLarge, InvalidRequest, Overloaded, UnsupportedEncoding
from relay.web.body import BodyLimits, BodyReader


class Broken(EmptyStreamReader):
    """A body that raises when it is read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def is_eof(self) -> bool:
        return False

    async def readany(self) -> bytes:
        raise self._error


def limits(*, max_bytes: int = 9, timeout_s: float = 10, budget: BodyBudget | None = None) -> BodyLimits:
    return BodyLimits(max_bytes, timeout_s, budget or BodyBudget(1000), time.monotonic)


def request_with(payload: StreamReader | EmptyStreamReader, headers: dict[str, str] | None = None) -> web.Request:
    return make_mocked_request("POST", "/", headers=headers, payload=payload)


def arriving(event_loop_protocol: BaseProtocol, *pieces: bytes, is_whole: bool = False) -> StreamReader:
    reader = StreamReader(event_loop_protocol, 2**16)
    for piece in pieces:
        reader.feed_data(piece)
    if is_whole:
        reader.feed_eof()
    return reader


@pytest.fixture
async def protocol() -> BaseProtocol:
    protocol = BaseProtocol(asyncio.get_running_loop())
    protocol.transport = asyncio.Transport()  # Else a reader says at once that there is nobody to wait for.
    return protocol


async def read(payload: StreamReader | EmptyStreamReader, headers: dict[str, str] | None = None) -> bytes:
    return await BodyReader(limits()).read(request_with(payload, headers))


async def test_a_body_that_breaks_off_is_the_requests_own_fault() -> None:
    with pytest.raises(InvalidRequest, match="broke off"):
        await read(Broken(web.RequestPayloadError("half a chunk")))


@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_body_over_the_limit_is_refused_with_the_limit(protocol: BaseProtocol, is_whole: bool) -> None:
    with pytest.raises(BodyTooLarge, match="9 bytes"):
        await read(arriving(protocol, b"x" * 10, is_whole=is_whole))


async def test_an_announced_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BodyTooLarge):
        await read(Broken(AssertionError("it was read")), {"Content-Length": "10"})


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "zstd", "identity, gzip", "x" * 100])
async def test_a_body_in_a_coding_is_refused_before_it_is_read(coding: str) -> None:
    with pytest.raises(UnsupportedEncoding) as caught:
        await read(Broken(AssertionError("it was read")), {"Content-Encoding": coding})
    assert repr(coding[:40].lower()) in str(caught.value)


@pytest.mark.parametrize("coding", ["identity", "Identity", " identity ", ""])
async def test_no_coding_at_all_may_be_named(protocol: BaseProtocol, coding: str) -> None:
    assert await read(arriving(protocol, b"{}", is_whole=True), {"Content-Encoding": coding}) == b"{}"


async def test_a_body_that_stops_coming_is_given_up(protocol: BaseProtocol) -> None:
    with pytest.raises(BodyTimeout):
        await BodyReader(limits(timeout_s=0.01)).read(request_with(arriving(protocol)))


async def test_what_is_read_counts_until_it_is_let_go(protocol: BaseProtocol) -> None:
    budget = BodyBudget(10)
    reader = BodyReader(limits(budget=budget))
    await reader.read(request_with(arriving(protocol, b"1234567", is_whole=True)))
    assert budget.held_bytes == 7
    with pytest.raises(Overloaded, match="max_buffered"):
        await BodyReader(limits(budget=budget)).read(request_with(arriving(protocol, b"1234", is_whole=True)))
    reader.let_go()
    reader.let_go()
    assert budget.held_bytes == 0


def test_a_body_that_trickles_makes_no_progress() -> None:
    reader = BodyReader(limits(timeout_s=30))
    patience = reader.patience_s
    assert patience(0, 0.0) == 20
    assert patience(60 * 1024, 10.0) == 30
    assert patience(5, 19.0) == pytest.approx(1.0, abs=0.01)
    assert patience(5, 21.0) < 0
