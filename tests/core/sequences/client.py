"""The client's side of a call: a request as the web server hands it to a handler, and whoever reads its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import orjson
from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from relay.model import Principal, Role
from relay.web.exchange import EXCHANGE, Exchange
from relay.web.keepalive import COMMENT
from tests.core.fakes import CHAT
from tests.core.sequences.asks import Call
from tests.support.client_connection import FakeConnection

PRINCIPAL = Principal("client", Role.USER)


@dataclass(frozen=True, slots=True)
class Manners:
    """How a client reads."""

    conversation: str = ""
    """That the call belongs to; empty: none."""
    leaves_after: int | None = None
    """So many writes; None: it stays."""
    slow_s: float = 0
    """For each write."""


class Reading(AbstractStreamWriter):
    """Where the answer goes."""

    def __init__(self, call: Call, manners: Manners) -> None:
        self._call = call
        self._left = manners.leaves_after
        self._slow_s = manners.slow_s

    async def _take(self) -> None:
        if self._left is not None:
            if self._left == 0:
                raise ConnectionResetError("the client has left")
            self._left -= 1
        if self._slow_s:
            await asyncio.sleep(self._slow_s)

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        await self._take()

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._call.has_first_byte |= chunk != COMMENT
        await self._take()

    async def write_eof(self, chunk: bytes = b"") -> None:
        self._call.has_first_byte |= bool(chunk)
        await self._take()
        self._call.is_finished = True

    async def drain(self) -> None:
        raise AssertionError("nothing drains")

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise AssertionError("nothing is compressed")

    def enable_chunking(self) -> None:
        pass


class Connection:
    """As much of aiohttp's connection as a request asks for."""

    transport = ssl_context = peername = sockname = None


def request_of(call: Call, manners: Manners, now_s: float) -> web.Request:
    """What the handler gets."""
    loop = asyncio.get_running_loop()
    body = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    body.feed_data(_body(call, manners))
    body.feed_eof()
    message = RawRequestMessage(
        "POST", CHAT, HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), False, None, False, False, URL(CHAT)
    )
    task = cast("asyncio.Task[None]", asyncio.current_task())
    request = web.Request(message, body, cast(RequestHandler, Connection()), Reading(call, manners), task, loop)
    request[EXCHANGE] = Exchange(f"req_{call.number}", FakeConnection(), now_s, principal=PRINCIPAL)
    return request


def _body(call: Call, manners: Manners) -> bytes:
    body: dict[str, Any] = {
        "model": call.name,
        "stream": call.is_stream,
        "messages": [{"role": "user", "content": "hello"}],
        "metadata": {"call": str(call.number)},
    }
    if manners.conversation:
        body["prompt_cache_key"] = manners.conversation
    return orjson.dumps(body)
