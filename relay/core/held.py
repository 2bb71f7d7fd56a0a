"""What one try of a call holds: a key, the right to try a target, and a place among its calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relay.core.breakers import Pass
from relay.core.target_meters import Load
from relay.errors import UpstreamError
from relay.upstream.keyring import Slot


@dataclass(frozen=True, slots=True)
class Held:
    """What a try holds while it lasts."""

    slot: Slot | None
    """The right to use a key; None for a provider without keys."""
    entry: Pass
    """The right to try the target."""
    load: Load
    """That it is counted there."""

    def failed(self, failure: UpstreamError, now: datetime) -> None:
        """The try failed, and this is whom it is laid to."""
        if self.slot is not None:
            self.slot.failed(failure.blame, failure.wait_s, now)
        self.entry.failed(failure, now)

    def pauses(self, now: datetime) -> None:
        """Nothing is under way until the next try; the target is still this call's to try."""
        if self.slot is not None:
            self.slot.free(now)
        self.load.end()

    def gives_way_to(self, other: Held, now: datetime) -> None:
        """Let go of what the next try does not hold as well."""
        if self.slot is not None and self.slot is not other.slot:
            self.slot.free(now)
        if self.entry is not other.entry:
            self.entry.leave()
        if self.load is not other.load:
            self.load.end()

    def let_go(self, now: datetime, *, tokens: int = 0) -> None:
        """It is over. Again: nothing happens."""
        if self.slot is not None:
            self.slot.free(now, tokens=tokens)
        self.entry.leave()
        self.load.end()
