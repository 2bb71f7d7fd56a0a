"""`Expect`: a body is asked for at once, so that it is never taken for the next request."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, raw_exchange

BODY = b'{"model":"demo","input":"x"}'


def head(*lines: str) -> bytes:
    first = "POST /v1/embeddings HTTP/1.1"
    return "\r\n".join([first, "Host: x", f"Content-Length: {len(BODY)}", *lines, "", ""]).encode()


async def sent_in_turn(port: int, *requests: bytes) -> list[bytes]:
    """The status line of the final answer to each request on one connection; a body follows its invitation."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    async with asyncio.timeout(10):
        for request in requests:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            if answer == b"HTTP/1.1 100 Continue\r\n\r\n":
                writer.write(BODY)
                answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", answer)
            assert length is not None
            await reader.readexactly(int(length[1]))
            found.append(answer[9:12])
    writer.close()
    return found


@pytest.mark.parametrize(
    ("lines", "status"), [([], b"401"), ([f"x-api-key: {ACCESS_KEY}"], b"200"), (["x-api-key: wrong"], b"401")]
)
async def test_the_connection_stays_in_step_whatever_the_answer(
    start_relay: StartRelay, lines: list[str], status: bytes
) -> None:
    relay = await start_relay()
    asked = head("Expect: 100-continue", *lines)
    probe = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await sent_in_turn(relay.port, asked, probe, asked, probe) == [status, b"200", status, b"200"]


async def test_another_expectation_is_ignored(start_relay: StartRelay) -> None:
    relay = await start_relay()
    answer = await raw_exchange(relay.port, head("Expect: foo", f"x-api-key: {ACCESS_KEY}") + BODY)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_client_of_http_1_0_is_not_invited(start_relay: StartRelay) -> None:
    relay = await start_relay()
    asked = head("Expect: 100-continue", f"x-api-key: {ACCESS_KEY}").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert b"100 Continue" not in await raw_exchange(relay.port, asked + BODY)
