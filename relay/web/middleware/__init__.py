"""THE middleware: every request passes `choke_point`, which calls one plain function after the other.

    request id -> CORS -> access -> handler -> errors

The handler is that of the row which admitted the request, and not the router's: rows belong to a configuration, and
the router to the process.
It is one aiohttp middleware and not five, since each costs a coroutine a request; the functions live in a file each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from relay.errors import ConfigError, Overloaded, RequestError, SaveError, StoreError, Unauthorized, UpstreamError
from relay.web import answers
from relay.web.connection import Connection
from relay.web.exchange import EXCHANGE, Exchange
from relay.web.middleware.access import Gatekeeper
from relay.web.middleware.cors import Cors
from relay.web.middleware.request_id import chosen_request_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChokePoint:
    """What the middleware needs."""

    gatekeeper: Gatekeeper
    cors: Cors
    new_id: Callable[[], str]
    clock_s: Callable[[], float]


def choke_point(current: Callable[[], ChokePoint]) -> Middleware:
    """The middleware of the application. `current` gives what holds for a request that begins now."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        parts, connection = current(), request.protocol
        if not isinstance(connection, Connection):
            raise AssertionError("the application is served by relay.web.listening alone")
        connection.begin(request.writer, request.content)
        try:
            exchange = _exchange(request, connection, parts)
            preflight = parts.cors.preflight(request)
            response = preflight if preflight is not None else await _handled(request, exchange, parts)
            if not exchange.has_started:
                answers.identify(response, exchange)
            return response
        finally:
            connection.end()

    return middleware


def _exchange(request: web.Request, connection: Connection, parts: ChokePoint) -> Exchange:
    request_id = chosen_request_id(request.headers.get("X-Request-Id", ""), parts.new_id)
    exchange = Exchange(request_id, connection, parts.clock_s(), headers=parts.cors.headers_for(request))
    request[EXCHANGE] = exchange
    return exchange


async def _handled(request: web.Request, exchange: Exchange, parts: ChokePoint) -> web.StreamResponse:
    try:
        try:
            route = parts.gatekeeper.admit(request, exchange)
        except Unauthorized:
            if not await parts.gatekeeper.has_news(request):
                raise
            route = parts.gatekeeper.admit(request, exchange)
        return await route.handler(request)
    except Exception as error:
        if exchange.has_started:
            raise  # Nothing may become a second answer within the first: aiohttp breaks the connection off.
        return _told(error, exchange)


def _told(error: Exception, exchange: Exchange) -> web.Response:
    """The answer that an exception becomes before any other has started; only what nobody foresaw is logged."""
    if isinstance(error, RequestError):
        return answers.refusal(error, exchange)
    if isinstance(error, ConfigError):
        return answers.config_refusal(error, exchange)
    if isinstance(error, SaveError):
        log.warning("%s: %s", exchange.request_id, error)
        return answers.save_failure(error, exchange)
    if isinstance(error, UpstreamError):
        return answers.upstream_failure(error, exchange)
    if isinstance(error, StoreError):
        log.warning("%s: %s", exchange.request_id, error)
        return answers.refusal(Overloaded("its store can't be used"), exchange)
    log.error("%s failed", exchange.request_id, exc_info=error)
    return answers.internal_error(exchange)
