"""The HTTP client: two ClientSessions, tuned for relaying, for the life of the process.

    pooled   keeps connections alive; nearly all calls
    fresh    opens a connection for each call: the one repeat after a pooled connection turned out to be dead

No cookies are kept (one user's would reach another's call), nothing is decompressed behind our back, no limit makes
a call wait unseen, and no deadline is hidden in a default: all of them stand in `SessionTransport`.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import ResolveResult

from relay.config.metadata import is_metadata_text

MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 200
READ_BUFFER_BYTES = 64 * 1024
"""aiohttp pauses reading at twice this much: what one slow client can make the relay hold of an answer."""
POOL_IDLE_S = 60.0
"""Shorter than the keep-alive of the large providers' front ends, so that it is the relay that closes first."""
DNS_TTL_S = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The two sessions that a transport uses."""

    pooled: ClientSession
    fresh: ClientSession


@asynccontextmanager
async def open_sessions() -> AsyncIterator[Sessions]:
    """Open both sessions; on leaving, close them with all their connections."""
    async with AsyncExitStack() as stack:
        pooled = TCPConnector(
            limit=0, resolver=GuardedResolver(), ttl_dns_cache=DNS_TTL_S, keepalive_timeout=POOL_IDLE_S
        )
        fresh = TCPConnector(limit=0, resolver=GuardedResolver(), ttl_dns_cache=DNS_TTL_S, force_close=True)
        yield Sessions(
            pooled=await stack.enter_async_context(_session(pooled)),
            fresh=await stack.enter_async_context(_session(fresh)),
        )


class GuardedResolver(ThreadedResolver):
    """aiohttp's own, without the addresses that no provider may have."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError where nothing else is left."""
        found = await super().resolve(host, port, family)
        allowed = [one for one in found if not is_metadata_text(one["host"])]
        if not allowed:
            log.warning("%s leads to a metadata address of a cloud, where nothing is asked", host)
            raise PermissionError(f"{host} leads to a metadata address")
        return allowed


def _session(connector: TCPConnector) -> ClientSession:
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=None),
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
        trust_env=False,
    )
