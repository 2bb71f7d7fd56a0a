"""The handler of relayed endpoints: how a body is read, and what a connection is good for after a refusal."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, provider
from tests.support.scripted import Out, Received, Script, answers

PATH = "/v1/chat/completions"
GOOD = b'{"model":"m","messages":[]}'
LARGE = orjson.dumps({"model": "m", "messages": [], "padding": "x" * 5_000})
LIMIT = {"max_body": "1KiB"}
PLAIN = answers(200, b'{"choices":[]}')


async def resets(request: Received, out: Out) -> None:
    out.abort()


def only_for_m(script: Script) -> Script:
    """The script for calls of the model `m`, a good answer for all others."""

    async def chosen(request: Received, out: Out) -> None:
        is_m = orjson.loads(request.body)["model"] == "m"
        await (script if is_m else PLAIN)(request, out)

    return chosen


# Over the wire


@dataclass(frozen=True)
class Answer:
    """One answer with a Content-Length."""

    head: str
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    def header(self, name: str) -> str | None:
        found = re.search(rf"\r\n{name}: ([^\r]*)", self.head, re.IGNORECASE)
        return None if found is None else found[1]


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> Answer:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        return Answer(head, await self.reader.readexactly(int(length[1]) if length else 0))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield Wire(reader, writer)
    finally:
        writer.close()


def head(*lines: str, path: str = PATH, method: str = "POST", key: str = ACCESS_KEY) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: relay", f"x-api-key: {key}", *lines, "", ""]).encode()


def request(body: bytes, *lines: str, path: str = PATH, method: str = "POST", key: str = ACCESS_KEY) -> bytes:
    return head(f"Content-Length: {len(body)}", *lines, path=path, method=method, key=key) + body


def chunked(body: bytes, *, size: int = 1000) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("sent", [request(LARGE), chunked(LARGE)], ids=["with its length", "in chunks"])
async def test_a_body_over_the_limit_is_a_413_and_reaches_no_upstream(
    start_relay: StartRelay, start_upstream: StartUpstream, sent: bytes
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server=LIMIT)
    async with connected(relay.port) as wire:
        answer = await wire.ask(sent)
    assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (413, "request_too_large")
    assert upstream.received == []


async def test_a_body_that_is_announced_as_too_large_is_not_waited_for(start_relay: StartRelay) -> None:
    relay = await start_relay(server=LIMIT)
    async with connected(relay.port) as wire:
        answer = await wire.ask(head("Content-Length: 1025"))
    assert answer.status == 413


async def test_a_body_over_the_limit_is_refused_before_all_of_it_has_come(start_relay: StartRelay) -> None:
    relay = await start_relay(server=LIMIT)
    async with connected(relay.port) as wire:
        answer = await wire.ask(chunked(LARGE).removesuffix(b"0\r\n\r\n"))
    assert answer.status == 413


@pytest.mark.parametrize("sent", [request(GOOD), chunked(GOOD), chunked(GOOD, size=1)])
async def test_a_body_arrives_whole_however_it_is_sent(
    start_relay: StartRelay, start_upstream: StartUpstream, sent: bytes
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server=LIMIT)
    async with connected(relay.port) as wire:
        answer = await wire.ask(sent)
    assert (answer.status, [received.body for received in upstream.received]) == (200, [GOOD])


async def test_a_client_that_waits_for_continue_is_told_to_go_on(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with connected(relay.port) as wire:
        first = await wire.ask(head(f"Content-Length: {len(GOOD)}", "Expect: 100-continue"))
        answer = await wire.ask(GOOD)
    assert (first.status, answer.status) == (100, 200)


@pytest.mark.parametrize(
    "chunks", [b"nothex\r\n", b"5\r\nhello\r\n-1\r\n", b"5\r\nhello and more\r\n", b"5 5\r\nhello\r\n"]
)
async def test_a_malformed_chunk_is_a_400_that_ends_the_connection(
    start_relay: StartRelay, start_upstream: StartUpstream, chunks: bytes
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with connected(relay.port) as wire:
        answer = await wire.ask(head("Transfer-Encoding: chunked") + chunks)
        assert await wire.reader.read() == b""
    assert (answer.status, upstream.received) == (400, [])


async def test_a_client_that_leaves_in_the_middle_of_its_body_reaches_no_upstream(
    start_relay: StartRelay, start_upstream: StartUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with connected(relay.port) as leaving:
        first = await leaving.ask(head("Content-Length: 1000", "Expect: 100-continue"))
        leaving.writer.write(GOOD)
        leaving.writer.transport.abort()
    async with connected(relay.port) as wire:
        second = await wire.ask(request(b"{}"))
    assert (first.status, second.status, upstream.received) == (100, 400, [])
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_model_with_a_name_that_no_header_can_hold_is_served(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(PLAIN)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with connected(relay.port) as wire:
        answer = await wire.ask(request(orjson.dumps({"model": "modèle\r\nX-Evil: 1"})))
    assert (answer.status, answer.header("X-MonoRelay-Model")) == (200, "mod?le??X-Evil: 1")
    assert answer.header("X-Evil") is None


REFUSED: dict[str, tuple[int, bytes, Script]] = {
    "no JSON": (400, request(b"{"), PLAIN),
    "no body": (400, request(b""), PLAIN),
    "no credential": (401, request(GOOD, key=""), PLAIN),
    "a wrong credential and a body in chunks": (401, chunked(GOOD).replace(ACCESS_KEY.encode(), b"wrong"), PLAIN),
    "no such path": (404, request(GOOD, path="/v1/nothing"), PLAIN),
    "no such model": (404, request(b'{"model":"m@nowhere"}'), PLAIN),
    "another method": (405, request(GOOD, method="PUT"), PLAIN),
    "too large": (413, request(LARGE), PLAIN),
    "too large, in chunks": (413, chunked(LARGE), PLAIN),
    "a coding": (415, request(GOOD, "Content-Encoding: gzip"), PLAIN),
    "a coding, in a large body": (415, request(LARGE, "Content-Encoding: gzip"), PLAIN),
    "the provider's 400": (400, request(GOOD), answers(400, b'{"error":{"message":"no"}}')),
    "the provider's 500": (500, request(GOOD), answers(500, b'{"error":{"message":"slow down"}}')),
    "the provider's reset": (502, request(GOOD), resets),
}


@pytest.mark.parametrize(("status", "sent", "script"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_connection_serves_again_after_this_refusal(
    start_relay: StartRelay, start_upstream: StartUpstream, status: int, sent: bytes, script: Script
) -> None:
    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server=LIMIT)
    async with connected(relay.port) as wire:
        refused = await wire.ask(sent)
        upstream.script = PLAIN
        served = await wire.ask(request(GOOD))
    assert (refused.status, served.status, served.body) == (status, 200, b'{"choices":[]}')


@pytest.mark.parametrize(("status", "sent", "script"), REFUSED.values(), ids=REFUSED.keys())
async def test_this_refusal_leaves_nothing_for_the_next_request_in_the_same_packet(
    start_relay: StartRelay, start_upstream: StartUpstream, status: int, sent: bytes, script: Script
) -> None:
    upstream = await start_upstream(only_for_m(script))
    relay = await start_relay({"up": provider(upstream.url, default=True)}, server=LIMIT)
    async with connected(relay.port) as wire:
        refused = await wire.ask(sent + request(b'{"model":"again"}'))
        served = await wire.answer()
    assert (refused.status, served.status) == (status, 200)
    assert orjson.loads(upstream.received[-1].body) == {"model": "again"}
