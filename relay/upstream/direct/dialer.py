"""Connecting: names are looked up and kept for a while, addresses tried side by side, TLS spoken where it is asked for.

RFC 8305, "Happy Eyeballs" (aiohappyeyeballs); RFC 7301, ALPN
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import TypeAlias

from aiohappyeyeballs import AddrInfoType, start_connection

from relay import faults
from relay.config.metadata import is_metadata_text
from relay.upstream.direct.request import Origin

NAMES_KEPT_S = 30.0
NEXT_ADDRESS_S = 0.25
"""After this time without a connection the next address is tried as well."""
_OURS = (errno.EMFILE, errno.ENFILE)

Addresses: TypeAlias = Sequence[AddrInfoType]

log = logging.getLogger(__name__)


class NoDescriptors(Exception):
    """The process may open no more."""


class Connecting(asyncio.BaseProtocol):
    """What is to be connected."""

    @property
    def is_connected(self) -> bool:
        """The event loop knows a transport of it."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close that."""
        raise NotImplementedError


class Names:
    """Addresses of hosts; many calls that ask for the same one at once make one query."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._queries: dict[tuple[str, int], tuple[float, asyncio.Task[Addresses]]] = {}

    async def addresses(self, host: str, port: int) -> Addresses:
        """Raises OSError (gaierror), or UnicodeError for what can be no name."""
        key = host, port
        asked_s, query = self._queries.get(key, (0.0, None))
        if query is None or _has_failed(query) or self._clock_s() - asked_s > NAMES_KEPT_S:
            query = asyncio.create_task(_look_up(host, port), name="dns")
            query.add_done_callback(_has_failed)  # Looked at in any case, or asyncio would report it.
            self._queries[key] = self._clock_s(), query
        return await asyncio.shield(query)  # Whoever is cancelled leaves it to the others.

    def close(self) -> None:
        """Give up what is still being asked."""
        for _, query in self._queries.values():
            query.cancel()


def _has_failed(query: asyncio.Task[Addresses]) -> bool:
    return query.done() and (query.cancelled() or query.exception() is not None)


async def _look_up(host: str, port: int) -> Addresses:
    """Raises OSError, also where the name leads to what no provider may be: until now it was only read."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [one for one in found if not is_metadata_text(str(one[4][0]))]
    if not allowed:
        log.warning("%s leads to a metadata address of a cloud, where nothing is asked", host)
        raise PermissionError(f"{host} leads to a metadata address")
    return allowed


class Dialer:
    """Opens connections. `tls` makes the context for https; none is made while none is needed."""

    def __init__(self, clock_s: Callable[[], float], tls: Callable[[], ssl.SSLContext]) -> None:
        self._names = Names(clock_s)
        self._make_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = self._make_tls()
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def dial(self, origin: Origin, link: Connecting, *, within_s: float) -> None:
        """Connect `link`, so that HTTP can be spoken over it. Raises UpstreamError, TimeoutError, or NoDescriptors.

        Where it fails or is cancelled nothing is left open, but the event loop may never tell the link of its loss.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._connect(origin, link)
        except TimeoutError:
            raise
        except (OSError, RuntimeError, UnicodeError) as error:  # uvloop has RuntimeErrors for a few kinds of OSError.
            if isinstance(error, OSError) and error.errno in _OURS:
                raise NoDescriptors from error
            raise faults.unreachable() from error

    async def _connect(self, origin: Origin, link: Connecting) -> None:
        loop = asyncio.get_running_loop()
        addresses = await self._names.addresses(origin.host, origin.port)
        connected = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_S, loop=loop)
        with ExitStack() as failing:
            failing.callback(_give_up, link, connected)
            await loop.create_connection(
                lambda: link,
                sock=connected,
                ssl=self._tls if origin.is_tls else None,
                server_hostname=origin.host.rstrip(".") if origin.is_tls else None,
            )
            failing.pop_all()

    def close(self) -> None:
        """Look nothing up any more."""
        self._names.close()


def _give_up(link: Connecting, connected: socket.socket) -> None:
    """A socket that a transport has is the transport's: closed under it, its number would be another's."""
    if link.is_connected:
        link.abort()
    else:
        connected.close()
