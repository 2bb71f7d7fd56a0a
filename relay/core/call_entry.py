"""What is known of one call while it goes on; in the end it becomes the call's record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from relay.core.endpoints import Endpoint
from relay.core.trail import Trail
from relay.model import CallRecord, Outcome, Principal, Usage

CLIENT_CLOSED_REQUEST = 499
"""nginx's number for a client that left before it saw an answer; no such status is ever sent."""
MAX_USER_AGENT = 200
MAX_MODEL = 200


@dataclass(slots=True)
class CallEntry:
    """Filled in by whoever learns something; `record` closes it."""

    call_id: str
    request_id: str
    received_at: datetime
    received_s: float
    """Monotonic, as all `_s` here."""
    endpoint: Endpoint
    principal: Principal
    client_ip: str
    user_agent: str
    model: str | None = None
    is_stream: bool = False
    trail: Trail = field(default_factory=Trail)
    status: int | None = None
    """What the client was told; None until something is on its way to it."""
    first_byte_s: float | None = None
    outcome: Outcome | None = None
    """None until it is over, and after a fault of the relay's own."""
    error: str | None = None
    usage: Usage | None = None
    overhead_s: float | None = None
    """The relay's own share of the time until the answer could begin; None: it did not come to that."""

    def failed(self, outcome: Outcome, status: int, error: str | None) -> None:
        """It ended badly, and this is what the client was told."""
        self.outcome, self.error = outcome, error
        if self.status is None:
            self.status = status

    def completed(self, status: int) -> None:
        """It ended as the upstream meant it."""
        self.outcome, self.status = Outcome.COMPLETE, status

    def left(self, outcome: Outcome) -> None:
        """Its client is gone, by itself or since it was cut."""
        self.outcome, self.status = outcome, CLIENT_CLOSED_REQUEST

    def record(self, now_s: float) -> CallRecord:
        """The record of a call that is over."""
        if self.outcome is None:
            self.failed(Outcome.REFUSED, 500, "internal_error")
        attempts = self.trail.attempts
        last = attempts[-1] if attempts else None
        first_token_ms = None if self.first_byte_s is None else _ms(self.first_byte_s - self.received_s)
        return CallRecord(
            self.call_id,
            self.request_id,
            self.received_at,
            self.principal.name,
            self.client_ip,
            self.user_agent[:MAX_USER_AGENT],
            self.endpoint.path,
            self.endpoint.dialect,
            None if self.model is None else self.model[:MAX_MODEL],
            None if last is None else last.target,
            None if last is None else last.key_label,
            tuple(attempts),
            CLIENT_CLOSED_REQUEST if self.status is None else self.status,
            self.outcome or Outcome.REFUSED,
            self.is_stream,
            first_token_ms,
            _ms(now_s - self.received_s),
            self.usage,
            self.error,
            None if self.overhead_s is None else round(self.overhead_s * 1_000_000),
        )


def _ms(duration_s: float) -> int:
    return max(0, round(duration_s * 1000))
