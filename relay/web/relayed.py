"""The handler of every relayed endpoint that takes a JSON body: read, ask the relay, pass the answer on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from relay.core.attempt import PlainAnswer
from relay.core.calls import CallFailed, RelayRequest, Served, read_request
from relay.core.endpoints import Endpoint
from relay.core.relay import Relay
from relay.core.stream import RelayStream
from relay.errors import BodyTooLarge, ClientGone, InvalidRequest, UnsupportedEncoding
from relay.web.answers import printable
from relay.web.exchange import EXCHANGE, Exchange
from relay.web.writer import ClientWriter


class RelayedEndpoint:
    """Serves one endpoint of `core.endpoints`."""

    def __init__(self, endpoint: Endpoint, relay: Relay, *, max_body_bytes: int, clock_s: Callable[[], float]) -> None:
        self._endpoint = endpoint
        self._relay = relay
        self._max_body_bytes = max_body_bytes
        self._clock_s = clock_s

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Handle one call. Raises RequestError or UpstreamError while the answer has not started."""
        exchange = request[EXCHANGE]
        asked = await self._read(request, exchange)
        try:
            opened = await self._relay.open(asked)
        except CallFailed as error:
            self._tell(error.served, exchange)
            raise
        self._tell(opened.served, exchange)
        if isinstance(opened.answer, PlainAnswer):
            answer = opened.answer
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        return await _streamed(request, exchange, opened.answer)

    async def _read(self, request: web.Request, exchange: Exchange) -> RelayRequest:
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise UnsupportedEncoding(encoding[:40])
        if (request.content_length or 0) > self._max_body_bytes:
            raise BodyTooLarge(self._max_body_bytes)
        started_s = self._clock_s()
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise BodyTooLarge(self._max_body_bytes) from error
        except web.RequestPayloadError as error:
            raise InvalidRequest("The request body broke off or is not valid HTTP.") from error
        exchange.upload_s = self._clock_s() - started_s
        return read_request(
            self._endpoint,
            raw,
            headers=request.headers.items(),
            connection=", ".join(request.headers.getall("Connection", ())),
            query=request.rel_url.raw_query_string,
            request_id=exchange.request_id,
        )

    def _tell(self, served: Served, exchange: Exchange) -> None:
        """Say in the answer's headers who served it, be it well or not."""
        waited_s = exchange.upload_s + served.upstream_wait_s
        overhead_s = max(0.0, self._clock_s() - exchange.received_s - waited_s)
        exchange.headers.update({
            "X-MonoRelay-Provider": served.target.provider,
            "X-MonoRelay-Model": printable(served.target.model),
            "X-MonoRelay-Attempts": str(served.attempts),
            "X-MonoRelay-Overhead-Ms": f"{overhead_s * 1000:.1f}",
        })  # fmt: skip
        if served.upstream_request_id is not None:
            exchange.headers["X-MonoRelay-Upstream-Request-Id"] = printable(served.upstream_request_id)


async def _streamed(request: web.Request, exchange: Exchange, stream: RelayStream) -> web.StreamResponse:
    """Once the answer has started, only this response may be returned, whatever becomes of it."""
    writer = ClientWriter(request, exchange)
    async with stream:
        with suppress(ClientGone):
            await stream.send_to(writer)
    return writer.response
