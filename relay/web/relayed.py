"""The handler of every relayed endpoint that takes a JSON body: read, ask the relay, pass the answer on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from aiohttp import web
from multidict import CIMultiDict

from relay.core.attempt import PlainAnswer
from relay.core.calls import RelayRequest, Served, read_request
from relay.core.endpoints import Endpoint
from relay.core.relay import Relay
from relay.core.stream import RelayStream
from relay.errors import BodyTooLarge, ClientGone, InvalidRequest, UnsupportedEncoding
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
        opened = await self._relay.open(await self._read(request, exchange))
        extra = self._headers(opened.served, exchange)
        if isinstance(opened.answer, PlainAnswer):
            return _plain(opened.answer, extra)
        return await _streamed(request, exchange, opened.answer, extra)

    async def _read(self, request: web.Request, exchange: Exchange) -> RelayRequest:
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() != "identity":
            raise UnsupportedEncoding(encoding[:40])
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise BodyTooLarge(self._max_body_bytes) from error
        except web.RequestPayloadError as error:
            raise InvalidRequest("The request body broke off or is not valid HTTP.") from error
        return read_request(
            self._endpoint,
            raw,
            headers=request.headers.items(),
            connection=request.headers.get("Connection", ""),
            query=request.rel_url.raw_query_string,
            request_id=exchange.request_id,
        )

    def _headers(self, served: Served, exchange: Exchange) -> CIMultiDict[str]:
        overhead_s = max(0.0, self._clock_s() - exchange.received_s - served.upstream_wait_s)
        headers = CIMultiDict({
            "X-MonoRelay-Provider": served.target.provider,
            "X-MonoRelay-Model": header_text(served.target.model),
            "X-MonoRelay-Attempts": str(served.attempts),
            "X-MonoRelay-Overhead-Ms": f"{overhead_s * 1000:.1f}",
        })  # fmt: skip
        if served.upstream_request_id is not None:
            headers["X-MonoRelay-Upstream-Request-Id"] = header_text(served.upstream_request_id)
        return headers


def _plain(answer: PlainAnswer, extra: CIMultiDict[str]) -> web.Response:
    headers = answer.headers
    headers.update(extra)
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _streamed(
    request: web.Request, exchange: Exchange, stream: RelayStream, extra: CIMultiDict[str]
) -> web.StreamResponse:
    """Once the answer has started, only this response may be returned, whatever becomes of it."""
    writer = ClientWriter(request, exchange, extra)
    async with stream:
        with suppress(ClientGone):
            await stream.send_to(writer)
    return writer.response


def header_text(value: str) -> str:
    """A value that is safe in a header: anything but printable ASCII becomes `?`."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in value)
