"""Takes a connection from the pool or opens one, and makes the call over it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

from relay import faults
from relay.sweep import Sweep
from relay.upstream.direct.call import DirectCall
from relay.upstream.direct.dialer import Dialer, NoDescriptors
from relay.upstream.direct.link import Link
from relay.upstream.direct.pool import Pool
from relay.upstream.direct.request import Origin, head_of, place_of
from relay.upstream.transport import Connection, Deadlines, UpstreamRequest


class DirectTransport:
    """Implements the transport seam; `open_direct` makes one."""

    def __init__(self, pool: Pool, dialer: Dialer, sweep: Sweep) -> None:
        self._pool = pool
        self._dialer = dialer
        self._sweep = sweep

    async def send(self, request: UpstreamRequest, /) -> DirectCall:
        """See Transport.send."""
        started_s = self._sweep.clock_s()
        place = place_of(request.url)
        head = head_of(request, place)
        link = self._pool.take(place.origin) if request.connection is Connection.POOLED else None
        if link is None:
            link = await self._dialed(place.origin, request.deadlines)
        call = DirectCall(link, self._pool, request.deadlines, started_s, self._sweep)
        try:
            await call.begin(head, request.body)
        finally:
            if not call.has_begun:
                call.close()
        return call

    async def _dialed(self, origin: Origin, deadlines: Deadlines) -> Link:
        within_s = min(deadlines.connect_s, deadlines.total_s)
        try:
            return await self._dialed_within(origin, within_s)
        except NoDescriptors:
            if not await self._pool.make_room():
                raise faults.out_of_descriptors() from None
        except TimeoutError as error:
            is_total = deadlines.total_s < deadlines.connect_s
            raise (faults.total_timeout() if is_total else faults.connect_timeout()) from error
        try:
            return await self._dialed_within(origin, within_s)
        except (NoDescriptors, TimeoutError) as error:
            raise faults.out_of_descriptors() from error

    async def _dialed_within(self, origin: Origin, within_s: float) -> Link:
        link = self._pool.new(origin)
        with ExitStack() as failing:
            failing.callback(link.give_up)
            await self._dialer.dial(origin, link, within_s=within_s)
            failing.pop_all()
        return link


@asynccontextmanager
async def open_direct(
    sweep: Sweep, *, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
) -> AsyncIterator[DirectTransport]:
    """A transport; on leaving, all its connections are closed."""
    pool, dialer = Pool(sweep), Dialer(sweep.clock_s, tls)
    try:
        yield DirectTransport(pool, dialer, sweep)
    finally:
        dialer.close()
        await pool.close()
