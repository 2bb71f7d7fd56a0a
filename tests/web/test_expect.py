"""`Expect`: nobody is asked for a body before the request is admitted."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, raw_exchange

BODY = b'{"model":"demo","input":"x"}'


def head(*lines: str) -> bytes:
    first = "POST /v1/embeddings HTTP/1.1"
    return "\r\n".join([first, "Host: x", f"Content-Length: {len(BODY)}", *lines, "", ""]).encode()


async def test_without_a_credential_the_401_comes_first(start_relay: StartRelay) -> None:
    relay = await start_relay()
    answer = await raw_exchange(relay.port, head("Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_with_one_the_body_is_asked_for(start_relay: StartRelay) -> None:
    relay = await start_relay()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    async with asyncio.timeout(10):
        writer.write(head("Expect: 100-continue", f"x-api-key: {ACCESS_KEY}"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize(("lines", "status"), [([f"x-api-key: {ACCESS_KEY}"], b"417"), ([], b"401")])
async def test_another_expectation_is_told_in_json(start_relay: StartRelay, lines: list[str], status: bytes) -> None:
    relay = await start_relay()
    answer = await raw_exchange(relay.port, head("Expect: foo", *lines))
    assert answer[9:12] == status
    assert b"\r\nContent-Type: application/json\r\n" in answer
    assert b"aiohttp" not in answer
