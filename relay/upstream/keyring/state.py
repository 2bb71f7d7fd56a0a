"""How a key stands at a moment, for people to read. Pure."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from datetime import datetime

from relay.upstream.keyring.key import Key
from relay.upstream.keyring.meters import Meters
from relay.upstream.keyring.standing import Standing


class KeyStatus(enum.StrEnum):
    """The first that holds, from the top."""

    DISABLED = "disabled"
    """By the configuration."""
    EXPIRED = "expired"
    REJECTED = "rejected"
    """The provider takes it for wrong."""
    RESTING = "resting"
    """The provider has asked for it, or was asked too often."""
    LIMITED = "limited"
    """At a limit of its own."""
    DOUBTED = "doubted"
    """Used only where there is no other: the last calls with it failed."""
    READY = "ready"


@dataclass(frozen=True, slots=True)
class KeyState:
    """Of one key."""

    label: str
    status: KeyStatus
    wait_s: float | None
    """Until that changes; None: it does not by itself, or nobody knows."""
    in_flight: int
    calls: int
    """In all, as far as is remembered."""

    @property
    def is_usable(self) -> bool:
        """Whether a call may be made with it at this moment."""
        return self.status in (KeyStatus.READY, KeyStatus.DOUBTED) or (
            self.status is KeyStatus.REJECTED and self.wait_s == 0
        )


def key_state(key: Key, meters: Meters, standing: Standing, now: datetime) -> KeyState:
    """How a key stands, by what is remembered of it."""
    now_s = now.timestamp()
    status, until_s = _status(key, meters, standing, now)
    wait_s = None if until_s is None or math.isinf(until_s) else max(0.0, until_s - now_s)
    return KeyState(key.label, status, wait_s, meters.in_flight, meters.calls)


def _status(key: Key, meters: Meters, standing: Standing, now: datetime) -> tuple[KeyStatus, float | None]:
    """The status, and until when it lasts (seconds since 1970)."""
    now_s = now.timestamp()
    if not key.is_enabled:
        return KeyStatus.DISABLED, None
    if not key.is_good(now):
        return KeyStatus.EXPIRED, None
    if standing.is_rejected:
        return KeyStatus.REJECTED, None if standing.is_on_trial else standing.rests_until_s
    if now_s < standing.rests_until_s:
        return KeyStatus.RESTING, standing.rests_until_s
    free_s = meters.free_at_s(key.limits, now_s)
    if free_s > now_s:
        return KeyStatus.LIMITED, free_s
    if standing.is_doubted(now_s):
        return KeyStatus.DOUBTED, standing.doubted_until_s
    return KeyStatus.READY, None
