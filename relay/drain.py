"""How a process ends: nobody is cut in silence, and nobody is refused before the balancer knows.

SIGTERM          /health/ready says 503; everything is served
+ drain_delay    no new connections; answers carry `Connection: close`; running calls go on
+ drain - 2 s    calls that are still under way get an error event of their dialect, or a 503
+ drain          what is left is dropped
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from relay.core.health import Lifecycle, Phase
from relay.core.live_calls import LiveCalls
from relay.web.listening import Listening

TELL_S = 2.0
"""How long before its end a call is told: time for the error event to go out."""
LINGER_S = 0.2
"""How long connections stay that serve nothing: a request may be on its way over one of them, and is still answered."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """The options of the end, in seconds."""

    delay_s: float
    drain_s: float


async def drain(
    lifecycle: Lifecycle, live_calls: LiveCalls, listening: Listening, patience: Patience, hurry: asyncio.Event
) -> None:
    """Go through the end; on return no call is under way, or none that can be helped. `hurry` cuts each wait short."""
    lifecycle.phase = Phase.DRAINING
    if patience.delay_s:
        log.info("no new calls: /health/ready says 503, listening goes on for %g s", patience.delay_s)
        await _either(hurry.wait(), patience.delay_s)
    listening.refuse_new()
    log.info("draining: %d calls are under way and have up to %g s", len(live_calls), patience.drain_s)
    tell_s = min(TELL_S, patience.drain_s / 2)
    async with asyncio.TaskGroup() as group:
        impatience = group.create_task(_cut_on(hurry, live_calls))
        if not await live_calls.over(patience.drain_s - tell_s):
            live_calls.cut()
            await live_calls.over(tell_s)
        await _either(hurry.wait(), min(LINGER_S, patience.drain_s))
        await live_calls.over(tell_s)
        impatience.cancel()
    listening.connections.close_idle()


async def _either(happens: Awaitable[object], patience_s: float) -> None:
    """Wait until it happens, but no longer than that."""
    with suppress(TimeoutError):
        await asyncio.wait_for(happens, patience_s)


async def _cut_on(hurry: asyncio.Event, live_calls: LiveCalls) -> None:
    await hurry.wait()
    live_calls.cut()
