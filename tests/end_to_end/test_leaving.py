"""Clients that leave: the upstream call is closed at once, before the first byte and in the middle."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, provider
from tests.support.scripted import Out, Received

EVENT = b'data: {"choices":[]}\n\n'


@pytest.mark.parametrize("events", [0, 1, 5])
@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_the_upstream_call_of_a_client_that_left_is_closed(
    start_relay: StartRelay, start_upstream: StartUpstream, events: int, stream: bytes
) -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        for _ in range(events):
            await out.chunk(EVENT)
        arrived.set()
        await out.peer_left()
        closed.set()

    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    body = b'{"model":"m","stream":%s}' % stream
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    lines = [f"Host: x\r\nx-api-key: {ACCESS_KEY}", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines, "", ""]).encode() + body)
    async with asyncio.timeout(10):
        await arrived.wait()
        if events and stream == b"true":
            await reader.readuntil(EVENT)
        writer.transport.abort()
        await closed.wait()
