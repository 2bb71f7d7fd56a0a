"""What the middleware knows of one request and the handlers need: made once, kept on the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from relay.model import Dialect, Principal


@dataclass(slots=True)
class Exchange:
    """One request on its way."""

    request_id: str
    received_s: float
    """Monotonic."""
    cors: Mapping[str, str]
    """Headers of every answer to this request."""
    dialect: Dialect = Dialect.CHAT
    """The form of its errors."""
    principal: Principal | None = None
    """None on a public endpoint without a valid credential."""
    has_started: bool = False
    """The answer's first byte is out: from here on nothing may become another answer."""


EXCHANGE = web.RequestKey("exchange", Exchange)
