"""What the middleware knows of one request and the handlers need: made once, kept on the request."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

from relay.model import Dialect, Principal


@dataclass(slots=True)
class Exchange:
    """One request on its way."""

    request_id: str
    received_s: float
    """Monotonic."""
    upload_s: float = 0.0
    """How long the client took to send its body: none of the relay's own time."""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    """What its answer carries beside what the answer's maker sets, be it a success, an error or a stream."""
    dialect: Dialect = Dialect.CHAT
    """The form of its errors."""
    principal: Principal | None = None
    """None on a public endpoint without a valid credential."""
    has_started: bool = False
    """The answer's first byte is out: from here on nothing may become another answer."""


EXCHANGE = web.RequestKey("exchange", Exchange)
