"""The listening side: one socket, one application, and the order in which both end.

aiohttp's AppRunner starts and stops the application; the connections are ours (`connection`), so that their deadlines
and their number are bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import IPPROTO_TCP, socket
from typing import Any

from aiohttp import web

from relay.web.connection import Connection
from relay.web.connections import Connections

BACKLOG = 4096
"""Connections that the kernel holds while the process is busy; the default of 128 drops a burst."""
UNSENT_BYTES = 128 * 1024
"""Of one connection in the kernel, beyond what the client is about to take: else a slow one costs megabytes there."""
_TCP_NOTSENT_LOWAT = 25
"""linux/tcp.h; Python's socket module does not name it everywhere."""
CANCELLED_S = 1.0
"""How long handlers get that were cancelled at the very end."""


def protocol_options(keepalive_timeout_s: float) -> dict[str, Any]:
    """What aiohttp's protocol is made with."""
    return {
        "access_log": None,
        "logger": logging.getLogger("relay.server"),
        "auto_decompress": False,  # A compressed body is refused (415); aiohttp would decode it, or fail without JSON.
        "keepalive_timeout": keepalive_timeout_s,
    }


class Listening:
    """Stops in two steps: first no new connections, then none at all."""

    def __init__(self, server: asyncio.Server, connections: Connections) -> None:
        self._server = server
        self.connections = connections

    def refuse_new(self) -> None:
        """Accept no more, and let each answer close its connection.

        A socket that systemd holds as well keeps its line of waiting clients.
        """
        self.connections.is_closing = True
        self._server.close()


@asynccontextmanager
async def listening(app: web.Application, listener: socket, connections: Connections) -> AsyncIterator[Listening]:
    """Serve on a bound socket until left.

    Handlers are cancelled when their client leaves: else a silent upstream would hide it (aiohttp's docs, "Web Handler
    Cancellation").
    """
    logger = connections.rule.options["logger"]
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=CANCELLED_S, logger=logger)
    await runner.setup()
    try:
        side = await _listen(runner, listener, connections)
        try:
            yield side
        finally:
            side.refuse_new()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, listener: socket, connections: Connections) -> Listening:
    loop = asyncio.get_running_loop()
    server = runner.server
    if server is None:
        raise AssertionError("the runner has been set up")
    listener.setsockopt(IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)  # Those accepted inherit it.
    listening_server = await loop.create_server(
        lambda: Connection(server, connections, loop), sock=listener, backlog=BACKLOG
    )
    return Listening(listening_server, connections)
