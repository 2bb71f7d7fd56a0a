"""A streamed answer between its upstream call and the client: bytes in, transform, bytes out, and a true end.

Reading from the upstream and writing to the client stand in separate `try` blocks: a client that left is not an
upstream that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from multidict import CIMultiDict

from relay.errors import UpstreamError
from relay.formats.passing import Transform
from relay.model import Usage
from relay.upstream.transport import UpstreamCall

SETTLE_S = 0.1
SETTLE_BYTES = 64 * 1024
"""What an upstream may still send behind its end mark before its connection is given up instead of kept."""


class Client(Protocol):
    """The client's side of a stream. Every method raises ClientGone once the client left."""

    async def start(self, status: int, headers: CIMultiDict[str], /) -> None: ...

    async def write(self, data: bytes, /) -> None: ...

    async def finish(self) -> None:
        """End the body cleanly."""
        ...

    def abort(self) -> None:
        """Break the connection off, so that the client can't take what it has for the whole."""
        ...


class RelayStream:
    """One streamed answer. It is a Sink of the upstream call; `async with` closes that call in every case."""

    def __init__(
        self, call: UpstreamCall, transform: Transform, headers: CIMultiDict[str], *, prefix: bytes = b""
    ) -> None:
        self._call = call
        self._transform = transform
        self._out = prefix
        self._failed: UpstreamError | None = None
        self._upstream_ended = False
        self._is_over = False
        self._when_closed: Callable[[RelayStream], None] | None = None
        self.status = call.head.status
        self.headers = headers
        self.failure: UpstreamError | None = None
        """Why the answer broke after it had begun; None where it did not."""
        self.is_delivered = False
        """The client has been given all of it, its end included: whatever happens now is no part of the call."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the upstream call, wherever it stands."""
        self._call.close()
        if self._when_closed is not None:
            self._when_closed(self)

    def when_closed(self, act: Callable[[RelayStream], None]) -> None:
        """Have this called at the end, whichever it is."""
        self._when_closed = act

    def feed(self, data: bytes, /) -> bool:
        """See Sink.feed. Once the answer has begun, each read is followed by a write: that is the back-pressure."""
        try:
            ready = self._transform.feed(data)
        except UpstreamError as error:
            self._failed = error
            return False
        self._out = self._out + ready if self._out else ready  # As a rule nothing waits, and nothing is copied.
        return not self._transform.has_begun

    async def begin(self) -> None:
        """Read up to the commit point: the first complete event that is no error. Raises UpstreamError before it."""
        while not self._transform.has_begun and not self._is_over:
            await self._advance()

    async def send_to(self, client: Client) -> None:
        """Send all of it and end as the upstream did. Raises ClientGone."""
        await client.start(self.status, self.headers)
        while True:
            if self._out:
                await client.write(self._take())
            if self._is_over:
                break
            if not await self._read_on(client):
                return
        await client.finish()
        self.is_delivered = True
        await self._settle()

    async def break_off(self, client: Client, error: UpstreamError) -> None:
        """End it before its time, wherever it stands: with an error event, or where there is none, broken. Raises
        ClientGone."""
        if self._is_over:
            await client.finish()  # All of it has been written; only its end may be missing.
            return
        self.failure = error
        self._is_over = True
        event = self._transform.error_event(error.facts)
        if event is None:
            client.abort()
            return
        await client.write(self._take() + event)
        await client.finish()

    def usage(self) -> Usage | None:
        """What the provider told of the tokens so far; None: nothing."""
        return self._transform.usage()

    async def _read_on(self, client: Client) -> bool:
        """Read once more; a break becomes the error event. False: it can't be told, the connection is broken off."""
        try:
            await self._advance()
        except UpstreamError as error:
            self.failure = error
            self._is_over = True
            event = self._transform.error_event(error.facts)
            if event is None:
                client.abort()
                return False
            self._out += event
        return True

    async def _advance(self) -> None:
        self._upstream_ended = await self._call.pump(self)
        if self._failed is not None:
            raise self._failed
        if self._upstream_ended:
            self._out += self._transform.finish()
        self._is_over = self._upstream_ended or self._transform.has_ended

    def _take(self) -> bytes:
        taken, self._out = self._out, b""
        return taken

    async def _settle(self) -> None:
        """Let the upstream finish, so that its connection can serve again: the end mark is not yet the body's end."""
        if self._upstream_ended or self.failure is not None:
            return
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._call.pump(_Leftovers())


class _Leftovers:
    """Drops what comes behind the end, up to a bound."""

    def __init__(self) -> None:
        self._left_bytes = SETTLE_BYTES

    def feed(self, data: bytes, /) -> bool:
        self._left_bytes -= len(data)
        return self._left_bytes > 0
