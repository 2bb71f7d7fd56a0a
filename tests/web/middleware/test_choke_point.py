"""What becomes of a handler's exception: an answer while none has started, a broken connection after that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import orjson
import pytest
from aiohttp import web
from multidict import CIMultiDict

from relay import faults
from relay.core.access_keys import AccessKeys
from relay.core.refusals import Refusals
from relay.errors import Forbidden, InvalidRequest, RelayError, StoreError
from relay.model import Dialect, Principal
from relay.web.exchange import EXCHANGE
from relay.web.middleware import ChokePoint, choke_point
from relay.web.middleware.access import Gatekeeper, Matching
from relay.web.middleware.cors import Cors
from relay.web.routes import Access, Handler, Route, index_of, register
from relay.web.writer import ClientWriter
from tests.support.running import ACCESS_KEY, configuration, raw_exchange
from tests.web.conftest import ServeApp

SECRET = "sk-canary-in-an-exception"
PAGE = "https://app.example.org"
Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve(serve_app: ServeApp) -> Serve:
    """Serves a handler at `GET /`, for everyone, behind the middleware and nothing else; gives the port."""

    async def start(
        handler: Handler,
        *,
        dialect: Dialect = Dialect.CHAT,
        access: Access = Access.PUBLIC,
        credentials: Matching | None = None,
    ) -> int:
        app = web.Application()
        rows = (Route("GET", "/", handler, access, dialect),)
        register(app, rows)
        keys, now = credentials or AccessKeys(configuration()), datetime(2026, 1, 1, tzinfo=UTC)
        gatekeeper = Gatekeeper(
            index_of(rows), keys, Refusals(), now=lambda: now, client_ip=lambda request: "192.0.2.1"
        )
        parts = ChokePoint(gatekeeper, Cors([PAGE]), lambda: "req_new", lambda: 1.5)
        app.middlewares.append(choke_point(lambda: parts))
        return await serve_app(app)

    return start


class Unknowable:
    """Credentials while the store is gone."""

    def match(self, presented: str, now: datetime, /) -> Principal | None:
        return None

    async def follow(self, presented: str, now: datetime, /) -> bool:
        raise StoreError("gone for too long")


async def get(port: int, *lines: str, method: str = "GET") -> bytes:
    return await raw_exchange(port, "\r\n".join([f"{method} / HTTP/1.1", "Host: x", *lines, "", ""]).encode())


async def broken_off(port: int) -> bytes:
    """All that comes until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def raising(error: BaseException) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise error

    return handler


def raising_after_the_start(error: BaseException, *, writes: bytes = b"one") -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        writer = ClientWriter(request, request[EXCHANGE], lambda: 0.0)
        await writer.start(200, CIMultiDict({"Content-Type": "text/event-stream"}))
        if writes:
            await writer.write(writes)
        raise error

    return handler


def told(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def errors_in(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


async def fine(request: web.Request) -> web.StreamResponse:
    return web.Response(text="fine")


# While no answer has started


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_an_unexpected_exception_is_a_json_500_in_the_dialect_without_its_text(
    serve: Serve, dialect: Dialect
) -> None:
    head, body = told(await get(await serve(raising(RuntimeError(SECRET)), dialect=dialect)))
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert (orjson.loads(body).get("type") == "error") == (dialect is Dialect.MESSAGES)
    assert SECRET.encode() not in head + body


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError("x"), TimeoutError("x"), AssertionError("x"), RelayError("x")]
)
async def test_whatever_the_exception_it_is_a_500(serve: Serve, error: Exception) -> None:
    assert (await get(await serve(raising(error)))).startswith(b"HTTP/1.1 500 ")


async def test_an_unexpected_exception_is_logged_once_with_the_request_id_and_its_cause(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    error = RuntimeError("why")
    await get(await serve(raising(error)), "X-Request-Id: mine")
    (record,) = errors_in(caplog)
    assert "mine" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_the_500_says_under_which_id_the_log_has_the_cause(serve: Serve) -> None:
    head, body = told(await get(await serve(raising(RuntimeError()))))
    assert b"\r\nX-Request-Id: req_new\r\n" in head
    assert "req_new" in orjson.loads(body)["error"]["message"]


async def test_a_connection_serves_again_after_a_500(serve: Serve) -> None:
    port = await serve(raising(RuntimeError()))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            for _ in range(2):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 500 ")
                await reader.readuntil(b"}}")
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [(InvalidRequest("no"), b"400"), (Forbidden("no"), b"403"), (faults.disconnected(), b"502")],
)
async def test_what_is_raised_on_purpose_has_its_own_status_and_is_no_error_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: Exception, status: bytes
) -> None:
    answer = await get(await serve(raising(error)))
    assert (answer[9:12], errors_in(caplog)) == (status, [])


# After the start


@pytest.mark.parametrize("error", [RuntimeError(SECRET), InvalidRequest("no"), faults.truncated()])
async def test_an_exception_after_the_start_writes_no_second_status_line_and_no_end(
    serve: Serve, error: Exception
) -> None:
    answer = await broken_off(await serve(raising_after_the_start(error)))
    head, body = told(answer)
    assert (head[:15], answer.count(b"HTTP/1."), body) == (b"HTTP/1.1 200 OK", 1, b"3\r\none\r\n")


async def test_an_exception_after_the_head_alone_writes_nothing_more(serve: Serve) -> None:
    head, body = told(await broken_off(await serve(raising_after_the_start(RuntimeError(SECRET), writes=b""))))
    assert (head[:15], body) == (b"HTTP/1.1 200 OK", b"")


async def test_an_exception_after_the_start_is_logged_once(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("why")
    await broken_off(await serve(raising_after_the_start(error)))
    (record,) = errors_in(caplog)
    assert record.exc_info is not None
    assert record.exc_info[1] is error


# What every answer has


@pytest.mark.parametrize("handler", [fine, raising(RuntimeError()), raising(InvalidRequest("no"))])
async def test_every_answer_has_its_id_and_its_origin(serve: Serve, handler: Handler) -> None:
    head, _ = told(await get(await serve(handler), f"Origin: {PAGE}"))
    assert b"\r\nX-Request-Id: req_new" in head
    assert f"\r\nAccess-Control-Allow-Origin: {PAGE}".encode() in head


async def test_a_stream_has_each_header_of_an_answer_once(serve: Serve) -> None:
    async def streams(request: web.Request) -> web.StreamResponse:
        writer = ClientWriter(request, request[EXCHANGE], lambda: 0.0)
        await writer.start(200, CIMultiDict({"Content-Type": "text/event-stream"}))
        await writer.write(b"one")
        await writer.finish()
        return writer.response

    head, _ = told(await get(await serve(streams)))
    assert [head.count(name) for name in (b"X-Request-Id:", b"Server:", b"Content-Type:")] == [1, 1, 1]


async def test_a_handler_finds_when_its_request_came_and_who_asks(serve: Serve) -> None:
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request[EXCHANGE])
        return web.Response()

    await get(await serve(handler, access=Access.USER, dialect=Dialect.RESPONSES), f"x-api-key: {ACCESS_KEY}")
    (exchange,) = seen
    assert (exchange.received_s, exchange.dialect, exchange.principal is not None) == (1.5, Dialect.RESPONSES, True)


async def test_a_handler_is_not_called_without_a_credential(serve: Serve) -> None:
    port = await serve(raising(AssertionError("it was called")), access=Access.USER)
    assert (await get(port)).startswith(b"HTTP/1.1 401 ")


async def test_a_preflight_reaches_no_handler(serve: Serve) -> None:
    port = await serve(raising(AssertionError("it was called")), access=Access.USER)
    answer = await get(
        port, f"Origin: {PAGE}", "Access-Control-Request-Method: GET", "Connection: close", method="OPTIONS"
    )
    assert answer.startswith(b"HTTP/1.1 204 ")


async def test_a_credential_that_nobody_can_look_up_is_not_called_wrong(serve: Serve) -> None:
    port = await serve(fine, access=Access.USER, credentials=Unknowable())
    head, body = told(await get(port, "x-api-key: sk-mr-x"))
    assert (head.split(b" ")[1], b"Retry-After: 1" in head, b"store" in body) == (b"503", True, True)
    assert (await get(port)).startswith(b"HTTP/1.1 401 ")
    public = await serve(fine, credentials=Unknowable())
    assert (await get(public, "x-api-key: sk-mr-x")).startswith(b"HTTP/1.1 200 ")
