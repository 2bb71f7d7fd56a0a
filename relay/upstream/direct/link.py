"""One connection to an upstream, from the handshake to its loss, and the call that it serves at the moment."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from relay import faults
from relay.errors import UpstreamError
from relay.sweep import NEVER, Sweep
from relay.upstream.direct.dialer import Connecting
from relay.upstream.direct.parser import AnswerParser
from relay.upstream.direct.request import Origin

HOLD_BYTES = 64 * 1024
"""What is held of an answer that nobody takes; beyond it the upstream is held up."""


class Served(Protocol):
    """The call that a connection serves."""

    def arrived(self) -> None:
        """The parser has got something, or the upload can go on."""
        ...

    def failed(self, error: UpstreamError, /) -> None:
        """Nothing more will come."""
        ...

    def expired(self) -> None:
        """The deadline has passed that the call had set."""
        ...


class Owner(Protocol):
    """Who knows all connections."""

    def lost(self, link: Link, /) -> None:
        """It is closed, whoever did it."""
        ...


class Link(asyncio.BufferedProtocol, Connecting):
    """A connection. `due_s` of its watch is its call's deadline, or that of its rest in the pool.

    `buffer` is where each read puts its bytes. All connections may share one: what is read is taken at once.
    """

    def __init__(self, origin: Origin, owner: Owner, sweep: Sweep, buffer: memoryview) -> None:
        self.origin = origin
        self.parser = AnswerParser()
        self.can_write = True
        """The kernel and the transport's buffer have room."""
        self.watch = sweep.watch(self._expire)
        self._sweep = sweep
        self._owner = owner
        self._call: Served | None = None
        self._transport: asyncio.Transport | None = None
        self._is_held_up = False
        self._is_aborted = False
        self._buffer = buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it.

    @property
    def is_open(self) -> bool:
        """Whether it can be written to, as far as anybody knows."""
        return self._transport is not None and not self._transport.is_closing()

    def serve(self, call: Served) -> None:
        """From here on what comes is this call's answer."""
        self.parser.expect()
        self._call = call
        if not self.is_open:
            call.failed(faults.closed_before_head())  # Its loss has been told already, and will not be again.

    def release(self) -> None:
        """The call is over; whether the connection can serve another is the caller's to decide."""
        self._call = None
        self.watch.due_s = NEVER
        self._read_on()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._transport is not None:
            self._transport.write(data)

    def take(self) -> bytes:
        """What of the answer's body has arrived."""
        self._read_on()
        return self.parser.take()

    def _read_on(self) -> None:
        if self._is_held_up and self._transport is not None and self.is_open:
            self._is_held_up = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close it at once."""
        self._is_aborted = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_connected(self) -> bool:
        """It has been, at least: the event loop knows a transport of it."""
        return self._transport is not None

    def give_up(self) -> None:
        """Abort it and forget it, whether or not the event loop will tell of its loss."""
        self.abort()
        self._forget()

    def _forget(self) -> None:
        self._sweep.release(self.watch)
        self._owner.lost(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the event loop, which then reads."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop, which has read so much."""
        call = self._call
        if call is None:
            self.abort()  # Nobody asked: as a rule a 408 of an upstream that is about to close.
            return
        try:
            self.parser.feed(self._buffer[:nbytes])
        except UpstreamError as error:
            call.failed(error)
            self.abort()
            return
        is_too_much = self.parser.waiting_bytes > HOLD_BYTES and self.parser.head is not None
        if is_too_much and not self._is_held_up and self._transport is not None:
            self._is_held_up = True
            self._transport.pause_reading()
        call.arrived()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._forget()
        if self._call is None:
            return
        if exc is None and self.parser.ends_with_connection and not self._is_aborted:
            self.parser.is_complete = True
        if self.parser.is_complete:
            self._call.arrived()  # What has come is whole, though it may not have been taken yet.
        else:
            self._call.failed(faults.disconnected() if self.parser.has_begun else faults.closed_before_head())

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self.can_write = False

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self.can_write = True
        if self._call is not None:
            self._call.arrived()

    def _expire(self) -> None:
        """The sweep found the deadline passed."""
        if self._call is not None:
            self._call.expired()
        else:
            self.abort()
