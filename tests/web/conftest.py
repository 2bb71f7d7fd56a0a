"""Serves an application of a test over the relay's own connections."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from relay.web.connections import ConnectionRule, Connections
from relay.web.listening import listening, protocol_options

ServeApp = Callable[[web.Application], Awaitable[int]]


def connections(limit: int = 100, *, silent_s: float = 0) -> Connections:
    """A registry with room, and deadlines that no test meets."""
    return Connections(
        limit=limit,
        rule=ConnectionRule(60, 60, protocol_options(60)),
        clock_s=time.monotonic,
        silent_s=silent_s,
    )


@pytest.fixture
async def serve_app() -> AsyncIterator[ServeApp]:
    """`port = await serve_app(app)`; it ends with the test."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application) -> int:
            listener = socket.create_server(("127.0.0.1", 0))
            await stack.enter_async_context(listening(app, listener, connections()))
            port: int = listener.getsockname()[1]
            return port

        yield start
