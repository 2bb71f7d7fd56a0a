"""The client's side of an answer: owns the response and the knowledge whether it has started.

After the start there are three things to do with a response: write, end it, or break the connection off. An exception
that aiohttp knows as an HTTP answer would be written INTO the body, so none may be raised here. aiohttp's
ClientConnectionResetError is a ConnectionError too, so that this is all that a write can raise.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from multidict import CIMultiDict

from relay.errors import ClientGone
from relay.web.answers import identify
from relay.web.exchange import Exchange


class ClientWriter:
    """Implements core.stream.Client over aiohttp's StreamResponse."""

    def __init__(self, request: web.Request, exchange: Exchange, clock_s: Callable[[], float]) -> None:
        self._request = request
        self._exchange = exchange
        self._clock_s = clock_s
        self._response: web.StreamResponse | None = None
        self.last_write_s = clock_s()
        """When the client last got something."""
        self._is_finished = False
        self.first_byte_s: float | None = None
        """When the first byte of an answer went out; None until then."""

    @property
    def response(self) -> web.StreamResponse:
        """What aiohttp is given in the end: a stream, unless a whole answer was sent."""
        if self._response is None:
            self._response = web.StreamResponse()
        return self._response

    @property
    def has_started(self) -> bool:
        """The status is spent."""
        return self._exchange.has_started

    async def start(self, status: int, headers: CIMultiDict[str], /) -> None:
        """Send the head; where keepalives went ahead of the answer, it has been sent. Raises ClientGone."""
        if self.has_started:
            return
        self.response.set_status(status)
        self.response.headers.update(headers)
        await self._begin()

    async def send(self, response: web.Response) -> None:
        """Send an answer that is whole. Raises ClientGone."""
        self._response = response
        self.first_byte_s = self._clock_s()
        await self._begin()
        await self.finish()

    async def _begin(self) -> None:
        response = self.response
        identify(response, self._exchange)
        self._exchange.has_started = True
        try:
            await response.prepare(self._request)
        except ConnectionError as error:
            raise ClientGone from error

    async def write(self, data: bytes, /) -> None:
        """Send bytes; waits while the client reads more slowly than they come. Raises ClientGone."""
        self.last_write_s = self._clock_s()
        if self.first_byte_s is None:
            self.first_byte_s = self.last_write_s
        try:
            await self.response.write(data)
        except ConnectionError as error:
            raise ClientGone from error

    async def comment(self, data: bytes) -> None:
        """Send what is no part of the answer; not while the client has yet to take what it was sent."""
        self.last_write_s = self._clock_s()
        if not (self._is_finished or self._exchange.connection.waiting_bytes):
            try:
                await self.response.write(data)
            except ConnectionError as error:
                raise ClientGone from error

    async def finish(self) -> None:
        """End the body cleanly. Raises ClientGone."""
        self._is_finished = True
        try:
            await self.response.write_eof()
        except ConnectionError as error:
            raise ClientGone from error

    def abort(self) -> None:
        """Break the connection off: no final chunk, so that no client can take the part for the whole."""
        self._exchange.connection.cut()
