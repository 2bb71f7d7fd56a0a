"""Reading a request's body: bounded in size, in time, and together with all others in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from relay.core.admission import BodyBudget
from relay.errors import BodyTimeout, BodyTooLarge, InvalidRequest, UnsupportedEncoding

LEAST_BYTES_PER_S = 1024
GRACE_S = 20.0
"""After this time a body must have come at that rate: else a byte now and then would hold a connection for ever."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What holds for every body."""

    max_bytes: int
    timeout_s: float
    """Without progress."""
    budget: BodyBudget
    clock_s: Callable[[], float]
    bound: str = "server.max_body"
    """The option that `max_bytes` is; empty where it is none."""


class BodyReader:
    """One request's body. `held_bytes` is what it has taken of the budget, and what `let_go` gives back."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self.held_bytes = 0
        self.upload_s = 0.0
        """How long the client took to send it."""

    async def read(self, request: web.Request) -> bytes:
        """The whole body. Raises UnsupportedEncoding, BodyTooLarge, BodyTimeout, InvalidRequest or Overloaded."""
        _assert_plain(request)
        if (request.content_length or 0) > self._limits.max_bytes:
            raise BodyTooLarge(self._limits.max_bytes, self._limits.bound)
        content = request.content
        try:
            if content.is_eof():  # It came along with the head: as a rule there is nothing to wait for.
                body = content.read_nowait(-1)
                self._hold(len(body))
                return body
            return await self._collect(content)
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise InvalidRequest("The request body broke off or is not valid HTTP.") from error

    async def _collect(self, content: StreamReader) -> bytes:
        started_s = self._limits.clock_s()
        body = bytearray()
        while True:
            try:
                async with asyncio.timeout(self.patience_s(len(body), self._limits.clock_s() - started_s)):
                    piece = await content.readany()
            except TimeoutError as error:
                raise BodyTimeout from error
            if not piece:
                self.upload_s = self._limits.clock_s() - started_s
                return bytes(body)
            self._hold(len(body) + len(piece))
            body += piece

    def patience_s(self, received_bytes: int, elapsed_s: float) -> float:
        """How long the next piece may take: `body_timeout`, and less where all of it has been too slow so far."""
        return min(self._limits.timeout_s, GRACE_S + received_bytes / LEAST_BYTES_PER_S - elapsed_s)

    def _hold(self, size_bytes: int) -> None:
        """Have at least so much of the budget."""
        if size_bytes > self._limits.max_bytes:
            raise BodyTooLarge(self._limits.max_bytes, self._limits.bound)
        if size_bytes > self.held_bytes:
            self._limits.budget.take(size_bytes - self.held_bytes)
            self.held_bytes = size_bytes

    def let_go(self) -> None:
        """The body is no longer in memory."""
        self._limits.budget.give_back(self.held_bytes)
        self.held_bytes = 0


def _assert_plain(request: web.Request) -> None:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(encoding[:40])
