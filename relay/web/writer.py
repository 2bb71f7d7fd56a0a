"""The client's side of a stream: owns the response and the knowledge whether it has started.

After the start there are three things to do with a response: write, end it, or break the connection off. An exception
that aiohttp knows as an HTTP answer would be written INTO the body, so none may be raised here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from multidict import CIMultiDict

from relay.errors import ClientGone
from relay.web.answers import identify
from relay.web.exchange import Exchange


class ClientWriter:
    """Implements core.stream.Client over aiohttp's StreamResponse."""

    def __init__(self, request: web.Request, exchange: Exchange) -> None:
        self._request = request
        self._exchange = exchange
        self.response = web.StreamResponse()

    async def start(self, status: int, headers: CIMultiDict[str], /) -> None:
        """Send the head. Raises ClientGone."""
        self.response.set_status(status)
        self.response.headers.update(headers)
        identify(self.response, self._exchange)
        self._exchange.has_started = True
        with _left():
            await self.response.prepare(self._request)

    async def write(self, data: bytes, /) -> None:
        """Send bytes; waits while the client reads more slowly than they come. Raises ClientGone."""
        with _left():
            await self.response.write(data)

    async def finish(self) -> None:
        """End the body cleanly. Raises ClientGone."""
        with _left():
            await self.response.write_eof()

    def abort(self) -> None:
        """Break the connection off: no final chunk, so that no client can take the part for the whole."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()


@contextmanager
def _left() -> Iterator[None]:
    """aiohttp's ClientConnectionResetError is a ConnectionError too, so this is all that a write can raise."""
    try:
        yield
    except ConnectionError as error:
        raise ClientGone from error
