"""What the middleware knows of one request and the handlers need: made once, kept on the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from relay.model import Dialect, Principal


class ClientConnection(Protocol):
    """What a handler may know of the connection, and do to it. See web.connection."""

    @property
    def keeps_open(self) -> bool:
        """Whether it may serve another request after this one."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet, outside the kernel."""
        ...

    is_surplus: bool
    """One more than there should be: it gets one answer, and none that costs a call."""
    is_stalled: bool
    """Cut, because the client read nothing for too long."""

    gives_up_reading: bool
    """Once the answer is out, nothing more of the request is waited for."""

    def cut(self) -> None:
        """Drop the connection with all that is waiting to be sent."""
        ...


@dataclass(slots=True)
class Exchange:
    """One request on its way."""

    request_id: str
    connection: ClientConnection
    received_s: float
    """Monotonic."""
    headers: dict[str, str] = field(default_factory=dict)
    """What its answer carries beside what the answer's maker sets, be it a success, an error or a stream."""
    dialect: Dialect = Dialect.CHAT
    """The form of its errors."""
    principal: Principal | None = None
    """None on a public endpoint without a valid credential."""
    has_started: bool = False
    """The answer's first byte is out: from here on nothing may become another answer."""


EXCHANGE = web.RequestKey("exchange", Exchange)
