"""A client's connection for tests that have none."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web


@dataclass
class FakeConnection:
    """Implements web.exchange.ClientConnection; with a request, over that request's own connection."""

    request: web.Request | None = None
    keeps_open: bool = True
    waiting_bytes: int = 0
    is_surplus: bool = False
    is_stalled: bool = False
    gives_up_reading: bool = False

    def cut(self) -> None:
        """See ClientConnection.cut."""
        if self.request is not None and self.request.transport is not None:
            self.request.transport.abort()
