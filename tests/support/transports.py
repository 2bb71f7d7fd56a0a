"""The transport to scripted upstreams, for tests of what uses one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relay.sweep import Sweep, sweeping
from relay.upstream.direct import open_direct
from relay.upstream.transport import Transport


@asynccontextmanager
async def direct_transport() -> AsyncIterator[Transport]:
    """As `serve` has it, but that it looks at deadlines more often."""
    sweep = Sweep()
    async with open_direct(sweep) as transport, sweeping(sweep, interval_s=0.02):
        yield transport
