"""The handler of every relayed endpoint that takes a JSON body: read, ask the relay, pass the answer on, book it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from relay import faults
from relay.core.admission import Admission
from relay.core.attempt import PlainAnswer
from relay.core.call_entry import CallEntry
from relay.core.calls import RelayRequest, read_request
from relay.core.endpoints import Endpoint
from relay.core.ledger import Ledger
from relay.core.live_calls import LiveCalls
from relay.core.metrics import CallCounter
from relay.core.permissions import assert_may_call
from relay.core.relay import Relay
from relay.core.stream import RelayStream
from relay.errors import BodyTimeout, ClientGone, Overloaded, RequestError, UpstreamError
from relay.formats.registry import DIALECTS
from relay.model import Outcome
from relay.sweep import Sweep
from relay.web.answers import printable
from relay.web.body import BodyLimits, BodyReader
from relay.web.exchange import EXCHANGE, Exchange
from relay.web.keepalive import Keepalive, Silence
from relay.web.writer import ClientWriter


@dataclass(frozen=True, slots=True)
class Desk:
    """What all relayed endpoints share."""

    relay: Relay
    admission: Admission
    ledger: Ledger
    counter: CallCounter
    live_calls: LiveCalls
    body_limits: BodyLimits
    silence: Silence
    sweep: Sweep
    clock_s: Callable[[], float]
    now: Callable[[], datetime]
    new_call_id: Callable[[], str]
    client_ip: Callable[[web.Request], str]


class RelayedEndpoint:
    """Serves one endpoint of `core.endpoints`."""

    def __init__(self, endpoint: Endpoint, desk: Desk) -> None:
        self._endpoint = endpoint
        self._desk = desk

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Handle one call. Raises RequestError or UpstreamError while the answer has not started."""
        exchange = request[EXCHANGE]
        return await RelayedCall(request, exchange, self._entry(request, exchange), self._desk).booked()

    def _entry(self, request: web.Request, exchange: Exchange) -> CallEntry:
        if exchange.principal is None:
            raise AssertionError("a relayed endpoint is never public")
        return CallEntry(
            self._desk.new_call_id(),
            exchange.request_id,
            self._desk.now(),
            exchange.received_s,
            self._endpoint,
            exchange.principal,
            self._desk.client_ip(request),
            printable(request.headers.get("User-Agent", "")),
        )


class RelayedCall:
    """One call on its way through the relay."""

    def __init__(self, request: web.Request, exchange: Exchange, entry: CallEntry, desk: Desk) -> None:
        self._request = request
        self._exchange = exchange
        self._entry = entry
        self._desk = desk
        self._body = BodyReader(desk.body_limits)
        self._writer = ClientWriter(request, exchange, desk.clock_s)
        self._stream: RelayStream | None = None
        self._is_plain = False
        """A whole answer is on its way, into which no error event fits."""

    async def booked(self) -> web.StreamResponse:
        """Serve; whatever happens is recorded, once, after everything that the call held was let go."""
        entry, desk = self._entry, self._desk
        try:
            return await self.serve()
        except RequestError as error:
            entry.failed(Outcome.REJECTED, error.facts.status, error.facts.code or error.facts.openai_type)
            raise
        except UpstreamError as error:
            self._failed(Outcome.REFUSED, error.facts.status, error)
            raise
        except asyncio.CancelledError:
            self._left()
            raise
        finally:
            self._body.let_go()
            entry.first_byte_s = self._writer.first_byte_s
            if self._stream is not None:
                entry.usage = self._stream.usage()
            record = entry.record(desk.clock_s())
            desk.ledger.record(record)
            desk.counter.count(record)

    async def serve(self) -> web.StreamResponse:
        """The answer, sent. Raises RequestError or UpstreamError while nothing of it has gone out."""
        with self._desk.live_calls.scope() as scope:
            if scope.is_cut:
                raise faults.shutting_down()
            try:
                return await self._admitted()
            except asyncio.CancelledError as cancellation:
                if not scope.is_cut_by(cancellation):
                    raise
                return await self._broken_off(faults.shutting_down())

    async def _admitted(self) -> web.StreamResponse:
        if self._exchange.connection.is_surplus:
            raise Overloaded("it has all the connections that it may have")
        self._desk.ledger.assert_room()
        asked = await self._read()
        await self._desk.admission.enter()
        try:
            return await self._relayed(asked)
        finally:
            self._desk.admission.leave()

    async def _read(self) -> RelayRequest:
        request = self._request
        try:
            raw = await self._body.read(request)
        except BodyTimeout:
            self._exchange.connection.gives_up_reading = True
            raise
        asked = read_request(
            self._entry.endpoint,
            raw,
            headers=request.headers.items(),
            connection=", ".join(request.headers.getall("Connection", ())),
            query=request.rel_url.raw_query_string,
            request_id=self._exchange.request_id,
            caller=self._entry.principal.name,
        )
        self._entry.model, self._entry.is_stream = asked.model, asked.is_stream
        assert_may_call(self._entry.principal, self._entry.endpoint.path, asked.model)
        return asked

    async def _relayed(self, asked: RelayRequest) -> web.StreamResponse:
        if not asked.is_stream:
            return await self._answered(await self._opened(asked))
        keepalive = Keepalive(self._writer, self._desk.silence, self._desk.sweep)
        async with keepalive.running():
            try:
                opened = await self._opened(asked)
            except UpstreamError as error:
                await keepalive.stop()
                if not self._writer.has_started:
                    raise
                return await self._broken_off(error)
            return await self._answered(opened, keepalive)

    async def _opened(self, asked: RelayRequest) -> PlainAnswer | RelayStream:
        try:
            return await self._desk.relay.open(asked, self._entry.trail)
        finally:
            self._tell()

    async def _answered(
        self, answer: PlainAnswer | RelayStream, keepalive: Keepalive | None = None
    ) -> web.StreamResponse:
        if isinstance(answer, PlainAnswer):
            return await self._whole(answer)
        async with answer as self._stream:
            try:
                if keepalive is not None:  # In here, so that the stream is closed even if this is cancelled.
                    await keepalive.answer_begins()
                await answer.send_to(self._writer)
            except ClientGone:
                return self._left()
        return self._delivered(answer)

    async def _whole(self, answer: PlainAnswer) -> web.StreamResponse:
        self._entry.usage = answer.usage
        self._is_plain = True
        try:
            await self._writer.send(web.Response(status=answer.status, body=answer.body, headers=answer.headers))
        except ClientGone:
            return self._left()
        return self._completed(answer.status)

    async def _broken_off(self, error: UpstreamError) -> web.StreamResponse:
        """An end before the end: told as an answer where none has begun, else in the stream."""
        if not self._writer.has_started:
            raise error
        if self._stream is not None and self._stream.is_delivered:
            return self._delivered(self._stream)
        try:
            if self._is_plain:
                self._writer.abort()
            elif self._stream is not None:
                await self._stream.break_off(self._writer, error)
            else:
                parts = DIALECTS[self._entry.endpoint.dialect]
                await self._writer.write(parts.error_event(error.facts, self._exchange.request_id, b""))
                await self._writer.finish()
        except ClientGone:
            return self._left()
        return self._failed(Outcome.UPSTREAM_BROKEN, 200, error)

    def _delivered(self, stream: RelayStream) -> web.StreamResponse:
        if stream.failure is not None:
            return self._failed(Outcome.UPSTREAM_BROKEN, stream.status, stream.failure)
        return self._completed(stream.status)

    def _completed(self, status: int) -> web.StreamResponse:
        self._entry.completed(status)
        return self._writer.response

    def _failed(self, outcome: Outcome, status: int, error: UpstreamError) -> web.StreamResponse:
        is_our_end = error.facts.code == faults.SHUTTING_DOWN
        code = error.facts.code or error.facts.openai_type
        self._entry.failed(Outcome.SHUTTING_DOWN if is_our_end else outcome, status, code)
        return self._writer.response

    def _left(self) -> web.StreamResponse:
        if self._stream is not None and self._stream.is_delivered:
            return self._delivered(self._stream)  # It left with all that it had asked for.
        is_stalled = self._exchange.connection.is_stalled
        self._entry.left(Outcome.CLIENT_STALLED if is_stalled else Outcome.CLIENT_GONE)
        return self._writer.response

    def _tell(self) -> None:
        """Say in the answer's headers who served it, be it well or not."""
        exchange, trail = self._exchange, self._entry.trail
        if trail.target is None:
            return
        waited_s = self._body.upload_s + trail.waited_s
        overhead_s = max(0.0, self._desk.clock_s() - exchange.received_s - waited_s)
        self._entry.overhead_s = overhead_s
        headers = exchange.headers
        headers["X-MonoRelay-Provider"] = trail.target.provider
        headers["X-MonoRelay-Model"] = printable(trail.target.model)
        headers["X-MonoRelay-Attempts"] = str(len(trail.attempts))
        headers["X-MonoRelay-Overhead-Ms"] = f"{overhead_s * 1000:.1f}"
        if trail.receipt.dropped:
            headers["X-MonoRelay-Changed"] = ", ".join(trail.receipt.dropped)
        if trail.upstream_request_id is not None:
            headers["X-MonoRelay-Upstream-Request-Id"] = printable(trail.upstream_request_id)
