"""All connections of the listening side: how many there may be, which one makes room, and the end of all of them.

    up to `limit`              served
    SURPLUS more               one answer each, and no relayed call: probes get through while the relay is full
    beyond                     the one that has been idle longest makes room, else the newest is dropped

Room is made by idle connections first: one that waits for its next request loses nothing by being closed.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.web.connection import Connection

SURPLUS = 32
RESERVED_FILES = 64
"""Descriptors for the store, the log, libraries, and connections to providers that wait for their next call."""
SURPLUS_HEAD_S = 2.0
"""How long a surplus connection may take to send its one request."""
SILENT_S = 0.25
"""How long a connection must have been silent to be closed for a newcomer, while there is room for surplus ones."""
LEAST = 8
ADDRESS_SHARE = 4
"""One address gets a quarter of all connections, unless it is a trusted proxy's or this machine's."""


def limit_for(open_files: int) -> int:
    """How many connections fit under a limit of open files: each may need another one to a provider."""
    return max(LEAST, (open_files - RESERVED_FILES - SURPLUS) // 2)


def open_files_limit() -> int:
    """How many descriptors this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """What a configuration says of connections; a new one holds for new connections, and for the deadlines of all."""

    header_timeout_s: float
    write_timeout_s: float
    options: dict[str, Any]
    """What aiohttp's protocol is made with."""
    is_trusted: Callable[[str], bool] = lambda address: True
    """Whether an address may have more than its share."""


class Connections:
    """The registry that every Connection reports to."""

    def __init__(
        self,
        *,
        limit: int,
        rule: ConnectionRule,
        clock_s: Callable[[], float],
        silent_s: float = SILENT_S,
    ) -> None:
        self.rule = rule
        """Replaced whole when the configuration changes."""
        self.is_closing = False
        """No connection serves another request."""
        self._limit = limit
        self._limit_per_address = max(LEAST, limit // ADDRESS_SHARE)
        self.clock_s = clock_s
        self._silent_s = silent_s
        self._open: dict[Connection, None] = {}
        """In the order in which they became idle or were opened; the busy ones stand wherever they stood."""
        self._per_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def head_due_s(self, connection: Connection) -> float:
        """By when a head that begins now must be whole."""
        timeout_s = self.rule.header_timeout_s
        return self.clock_s() + (min(timeout_s, SURPLUS_HEAD_S) if connection.is_surplus else timeout_s)

    def opened(self, connection: Connection) -> None:
        """A client has connected: it is served, or another one makes room, or it gets less, or nothing."""
        self._open[connection] = None
        self._per_address[connection.address] += 1
        excess = len(self._open) - self._limit
        if excess > 0 and self._makes_room(connection, self._silent_s if excess <= SURPLUS else 0):
            excess -= 1
        if not self.rule.is_trusted(connection.address):
            excess = max(excess, self._per_address[connection.address] - self._limit_per_address)
        connection.is_surplus = excess > 0
        if excess > SURPLUS:
            connection.cut()

    def _makes_room(self, newest: Connection, silent_s: float) -> bool:
        """Close the one that has been idle longest, if one has been silent for so long: else its request may be on
        its way. Where somebody must go, even that is better than to turn away a probe."""
        silent_since_s = self.clock_s() - silent_s
        idle = (one for one in self._open if not one.is_busy and one.heard_s <= silent_since_s)
        chosen = next((one for one in idle if one is not newest and not one.waiting_bytes), None)
        if chosen is not None:
            self.closed(chosen)
            chosen.force_close()
        return chosen is not None

    def went_idle(self, connection: Connection) -> None:
        """A request is over: its connection is now the one that has been idle for the shortest time."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        if connection in self._open:
            del self._open[connection]
            self._per_address[connection.address] -= 1
            if not self._per_address[connection.address]:
                del self._per_address[connection.address]

    def look(self, now_s: float) -> None:
        """A tick of the sweep."""
        for connection in list(self._open):
            connection.look(now_s)

    def close_idle(self) -> None:
        """Close the connections that serve nothing; the others close behind their answer."""
        self.is_closing = True
        for connection in [one for one in self._open if not one.is_busy]:
            connection.force_close()
