"""A client's connection: deadlines of its head, its reading, and what is told to bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from relay.model import Outcome
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, provider, raw_exchange
from tests.support.scripted import Out, Received

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    "line", [f"Authorization: Bearer {ACCESS_KEY}\x01", f"x y {ACCESS_KEY}", f"x-api-key {ACCESS_KEY}"]
)
async def test_of_a_malformed_head_nothing_is_told_or_logged(
    start_relay: StartRelay, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    caplog.set_level(logging.DEBUG)
    relay = await start_relay()
    answer = await raw_exchange(relay.port, f"GET /health HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head[9:12] == b"400"
    assert b"\r\nServer: MonoRelay\r\n" in head
    assert orjson.loads(body)["error"]["type"] == "invalid_request_error"
    lines = [record.getMessage() for record in caplog.records if record.name == "relay.web.connection"]
    assert [text.startswith("a request that is no valid HTTP was refused: ") for text in lines] == [True]
    assert ACCESS_KEY not in caplog.text + answer.decode()
    assert "Traceback" not in caplog.text


async def test_an_expectation_on_an_unknown_path_is_refused_in_json(start_relay: StartRelay) -> None:
    relay = await start_relay()
    request = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n"
    head, _, body = (await raw_exchange(relay.port, request)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 417 ")
    assert b"\r\nServer: MonoRelay\r\n" in head
    assert orjson.loads(body)["error"]["type"] == "invalid_request_error"


async def ended(port: int, sent: bytes) -> bytes:
    """All that comes until the relay closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
async def test_a_head_that_does_not_come_is_a_408(start_relay: StartRelay, sent: bytes) -> None:
    relay = await start_relay(server={"header_timeout": 0.1})
    head, _, body = (await ended(relay.port, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert orjson.loads(body)["error"]["code"] == "request_timeout"


async def test_a_body_that_comes_behind_its_refusal_is_no_new_head(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"header_timeout": 0.05})
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    async with asyncio.timeout(10):
        writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n".encode())
        await reader.readuntil(b"}}")
        for _ in range(2):
            writer.write(b"0123456789")
            await writer.drain()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_an_idle_connection_has_no_head_to_be_late_with(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"header_timeout": 0.05})
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    ask = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    async with asyncio.timeout(10):
        writer.write(ask)
        await reader.readuntil(b"}")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.write(ask)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"GET /")
        assert await reader.read() == b""
    writer.close()


async def test_a_body_that_stops_coming_is_a_408(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"body_timeout": 0.1})
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nx-api-key: {ACCESS_KEY}\r\nContent-Length: 9\r\n\r\n{{"
    answer = await raw_exchange(relay.port, head.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    async with asyncio.timeout(5):
        assert (await ended(relay.port, head.encode())).startswith(b"HTTP/1.1 408 ")
    record, _ = await relay.records(2)
    assert (record.outcome, record.status_code, record.model) == (Outcome.REJECTED, 408, None)


async def test_a_client_that_reads_nothing_is_cut_and_holds_little(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    event = b'data: {"choices":[],"padding":"%s"}\n\n' % (b"x" * 10_000)

    async def endless(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        while True:
            await out.chunk(event)

    upstream = await start_upstream(endless)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server={"write_timeout": 0.2})
    body = b'{"model":"m","stream":true}'
    _reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, limit=1)
    writer.write(
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nx-api-key: {ACCESS_KEY}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    (record,) = await relay.records()
    assert (record.outcome, record.status_code) == (Outcome.CLIENT_STALLED, 499)
    assert len(relay.listening.connections) == 0
    writer.close()
