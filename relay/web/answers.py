"""Ordinary answers: JSON documents, and errors in a client's dialect. Event streams are the writer's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from aiohttp import web
from multidict import CIMultiDict

from relay.errors import (
    ConfigError,
    ErrorFacts,
    MethodNotAllowed,
    Problem,
    RequestError,
    SaveError,
    Unauthorized,
    UpstreamError,
    WrongPassword,
)
from relay.formats.registry import DIALECTS
from relay.model import Dialect
from relay.web.connection import SERVER
from relay.web.exchange import Exchange

UNAUTHORIZED_BODY = b'{"error": {"message": "Unauthorized", "type": "auth_error"}}'
"""The same to the letter for every reason, route and dialect."""


WRONG_PASSWORD_BODY = b'{"error": {"message": "Incorrect username or password", "type": "auth_error"}}'
_TO_THE_LETTER: dict[type[RequestError], bytes] = {
    Unauthorized: UNAUTHORIZED_BODY,
    WrongPassword: WRONG_PASSWORD_BODY,
}


def document(value: Any, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(status=status, body=orjson.dumps(value), headers={"Content-Type": "application/json"})


def identify(response: web.StreamResponse, exchange: Exchange) -> None:
    """Set the headers that every answer has. The Anthropic SDK reads its request id under another name."""
    headers = response.headers
    headers["Server"] = SERVER
    headers["X-Request-Id"] = exchange.request_id
    if exchange.dialect is Dialect.MESSAGES:
        headers["request-id"] = exchange.request_id
    headers.update(exchange.headers)
    if not exchange.connection.keeps_open:
        response.force_close()


def refusal(error: RequestError, exchange: Exchange) -> web.Response:
    """The relay's own no."""
    literal = _TO_THE_LETTER.get(type(error))
    if literal is not None:
        headers = {"Content-Type": "application/json", "WWW-Authenticate": "Bearer"}  # RFC 9110, 11.6.1
        return web.Response(status=401, body=literal, headers=headers)
    response = _error(error.facts, exchange)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.allowed)
    return response


def config_refusal(error: ConfigError, exchange: Exchange) -> web.Response:
    """A configuration that can't be taken: every problem, as a list beside the first one's words."""
    first = error.problems[0]
    message = f"{first.path}: {first.message}" if first.path else first.message
    told: dict[str, Any] = {"message": message, "type": "invalid_request_error", "code": "bad_configuration"}
    told["problems"] = problems(error.problems)
    return document({"error": told}, status=400)


def problems(found: Iterable[Problem]) -> list[dict[str, Any]]:
    """Where in the configuration, and what; the file is always the same."""
    return [{"line": one.line, "path": one.path, "message": one.message} for one in found]


def save_failure(error: SaveError, exchange: Exchange) -> web.Response:
    """A disk or a folder that refuses: nobody but admins gets here, and they may know why."""
    return _error(ErrorFacts(500, str(error), "server_error", "api_error", "config_not_saved"), exchange)


def upstream_failure(error: UpstreamError, exchange: Exchange) -> web.Response:
    """The last failure of a call, in the provider's own words where they were kept."""
    response = _error(error.facts, exchange, error.body)
    for name, value in error.headers:
        response.headers.setdefault(name, value)
    return response


def internal_error(exchange: Exchange) -> web.Response:
    """A fault of the relay itself; its cause is in the log under the request id."""
    message = f"The relay failed on this request; its log has the cause under {exchange.request_id}."
    return _error(ErrorFacts(500, message, "server_error", "api_error", "internal_error"), exchange)


def _error(facts: ErrorFacts, exchange: Exchange, body: bytes | None = None) -> web.Response:
    rendered = body if body is not None else DIALECTS[exchange.dialect].error_body(facts, exchange.request_id)
    headers = CIMultiDict({"Content-Type": "application/json"})
    if facts.retry_after_s is not None:
        headers["Retry-After"] = str(facts.retry_after_s)
    if facts.should_retry is not None:
        headers["x-should-retry"] = "true" if facts.should_retry else "false"
    return web.Response(status=facts.status, body=rendered, headers=headers)


def printable(value: str) -> str:
    """A value that is safe in a header and in a message: anything but printable ASCII becomes `?`."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(sign if " " <= sign <= "~" else "?" for sign in value)
