"""What outlives a configuration: the outside world, and all that is remembered and under way."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from relay.core.accounts.desk import AccountDesk
from relay.core.admission import Admission, BodyBudget
from relay.core.configuring.desk import ConfigDesk
from relay.core.health import Lifecycle
from relay.core.ledger import Ledger
from relay.core.live_calls import LiveCalls
from relay.core.means import Clocks, Memory
from relay.core.metrics import CallTallies
from relay.core.refusals import Refusals
from relay.core.reload_status import ReloadStatus
from relay.core.waiting_line import WaitingLines
from relay.sweep import Sweep


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _request_ids() -> Callable[[], str]:
    """Ids that nobody else makes. They guard nothing, so the system's randomness is asked once, not for each."""
    generator = random.Random(secrets.token_bytes(32))  # noqa: S311 - see above
    return lambda: f"req_{generator.getrandbits(96):024x}"


def _call_ids() -> Callable[[], str]:
    """Ids that no other process ever makes: a random part for this one, and a count."""
    process, count = secrets.token_hex(8), itertools.count()
    return lambda: f"{process}-{next(count):x}"


@dataclass(frozen=True, slots=True)
class World:
    """What the parts take from outside: clocks, ids and chance. Tests pass their own."""

    now: Callable[[], datetime] = _utc_now
    clock_s: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = field(default_factory=_request_ids)
    new_call_id: Callable[[], str] = field(default_factory=_call_ids)
    random: Callable[[], float] = random.random  # It guards nothing.

    def clocks(self) -> Clocks:
        """What decides by time and chance."""
        return Clocks(self.now, self.clock_s, self.random, asyncio.sleep)


@dataclass(slots=True)
class State:
    """What is remembered and under way; one for a process."""

    ledger: Ledger
    sweep: Sweep
    accounts: AccountDesk
    started_at: datetime
    refusals: Refusals = field(default_factory=Refusals)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    live_calls: LiveCalls = field(default_factory=LiveCalls)
    memory: Memory = field(default_factory=Memory)
    lines: WaitingLines = field(default_factory=WaitingLines)
    """Calls that wait for a key, by provider."""
    admission: Admission = field(default_factory=Admission)
    body_budget: BodyBudget = field(default_factory=BodyBudget)
    tallies: CallTallies = field(default_factory=CallTallies)
    config_desk: ConfigDesk | None = None
    """None while the process follows no file."""
    reload_status: Callable[[], ReloadStatus | None] = field(default=lambda: None)
    """What became of the configuration file; None where nothing follows it."""
