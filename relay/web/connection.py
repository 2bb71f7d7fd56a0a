"""One client's connection: how long its head may take, whether it still reads, and what it is told when it sends
something that is no HTTP.

aiohttp has one timer for idle connections and none for slow heads or stalled readers. Here the sweep looks at each
connection instead: at what it has received of a head, and at what it has taken of an answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from relay.sweep import NEVER

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest

    from relay.web.connections import Connections

SERVER = "MonoRelay"
"""The Server header of every answer that is made here: aiohttp's own names its version and Python's."""

log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """aiohttp's protocol for one connection, watched."""

    __slots__ = (
        "_body",
        "_connections",
        "_head_due_s",
        "_link",
        "_sent_bytes",
        "_sent_since_s",
        "_writer",
        "gives_up_reading",
        "heard_s",
        "is_busy",
        "is_stalled",
        "is_surplus",
        "served",
    )

    def __init__(self, server: web.Server, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, **connections.rule.options)
        self._connections = connections
        self._head_due_s = NEVER
        """When the head that is under way must be whole; NEVER while none is."""
        self._link: asyncio.Transport | None = None
        """The transport, which aiohttp forgets when it closes it, though there may be much left to send."""
        self._writer: AbstractStreamWriter | None = None
        self._body: StreamReader | None = None
        """Of the last request: what of it comes behind the answer, to a refusal say, is no new head."""
        self._sent_bytes = 0
        self._sent_since_s = 0.0
        """Since when the client has taken nothing of what is waiting for it."""
        self.is_busy = False
        """A request is being handled."""
        self.heard_s = connections.clock_s()
        """When it last sent something, or got the end of an answer."""
        self.is_stalled = False
        """Cut, because the client read nothing for too long."""
        self.gives_up_reading = False
        """Once the answer is out, nothing more of the request is waited for; aiohttp would read on for 10 s."""
        self.is_surplus = False
        """One more than there should be: it gets one answer, and none that costs a call."""
        self.served = 0
        """Requests so far."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        super().connection_made(transport)
        self._link = self.transport
        self._connections.opened(self)
        self._head_due_s = self._connections.head_due_s(self)  # The first head has to come; later ones may.

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the event loop."""
        self._connections.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if not self.is_busy:
            self.heard_s = self._connections.clock_s()
            if self._head_due_s == NEVER and (self._body is None or self._body.is_eof()):
                self._head_due_s = self._connections.head_due_s(self)
        super().data_received(data)

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's signature
        """Called by aiohttp after each read of a body; as a rule there is nothing to resume."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def begin(self, writer: AbstractStreamWriter, body: StreamReader) -> None:
        """A whole head has arrived, and its request is being handled."""
        self.is_busy = True
        self.served += 1
        self._head_due_s = NEVER
        self._writer, self._body = writer, body

    def end(self) -> None:
        """The request has been handled; its answer may not be sent to the end yet."""
        self.is_busy = False
        self.heard_s = self._connections.clock_s()
        self._connections.went_idle(self)

    @property
    def address(self) -> str:
        """Of the peer, which may be a proxy; empty for a local socket."""
        peer = self.peername
        return peer[0] if isinstance(peer, tuple) else ""

    @property
    def keeps_open(self) -> bool:
        """Whether the connection may serve another request after this one."""
        return not (self.is_surplus or self._connections.is_closing)

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet, outside the kernel."""
        return 0 if self._link is None else self._link.get_write_buffer_size()

    def look(self, now_s: float) -> None:
        """Called at each tick of the sweep."""
        if now_s >= self._head_due_s:
            self._refuse_slow_head()
        waiting_bytes = self.waiting_bytes
        if not waiting_bytes:
            self._sent_since_s = now_s
            return
        sent_bytes = (0 if self._writer is None else self._writer.output_size) - waiting_bytes
        if sent_bytes != self._sent_bytes:
            self._sent_bytes, self._sent_since_s = sent_bytes, now_s
        elif now_s - self._sent_since_s > self._connections.rule.write_timeout_s:
            self.is_stalled = True
            self.cut()

    def _refuse_slow_head(self) -> None:
        self._head_due_s = NEVER
        if self.served == 0 and self.transport is not None:
            self.transport.write(_SLOW_HEAD)
        self.force_close()

    def cut(self) -> None:
        """Drop the connection with all that is waiting to be sent."""
        if self._link is not None:
            self._link.abort()

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; one that aiohttp made by itself, in front of the middleware, gets our form."""
        if isinstance(resp, web.HTTPException):
            resp = _made_here(resp.status)
        finished = await super().finish_response(request, resp, start_time)
        if self.gives_up_reading:
            self.force_close()
        return finished

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What no handler could answer: bytes that are no HTTP, as a rule. Nothing of them is told or logged."""
        if not isinstance(exc, HttpProcessingError):
            log.error("a request could not be answered", exc_info=exc)
        else:
            log.info("a request that is no valid HTTP was refused: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way, so it can only be broken off")
        response = _made_here(status)
        response.force_close()
        return response


_MESSAGES = {
    400: "The request is not valid HTTP, or its headers are too long.",
    417: "This expectation can't be met.",
    500: "The relay failed on this request; its log has the cause.",
}


def _made_here(status: int) -> web.Response:
    """An answer to a request that was never seen whole, so that nothing is known of its dialect."""
    message = _MESSAGES.get(status, f"The request can't be answered (status {status}).")
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}})
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json", "Server": SERVER})


_SLOW_HEAD_BODY = orjson.dumps(
    {
        "error": {
            "message": "The request's headers did not arrive in time (server.header_timeout).",
            "type": "invalid_request_error",
            "param": None,
            "code": "request_timeout",
        }
    }
)
_SLOW_HEAD = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nServer: %s\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (SERVER.encode(), len(_SLOW_HEAD_BODY), _SLOW_HEAD_BODY)
)
