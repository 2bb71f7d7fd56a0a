"""The composition root: builds every object once, for one configuration, and knows the order of start and stop.

Nothing else in the package knows how the parts find one another.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from relay.config.schema import Config
from relay.core.access_keys import AccessKeys
from relay.core.catalog import catalog_of
from relay.core.endpoints import Endpoint
from relay.core.health import Health, Lifecycle, Phase
from relay.core.models import ModelList
from relay.core.relay import Relay
from relay.upstream import providers as upstream_providers
from relay.upstream.call import SessionTransport
from relay.upstream.demo import DEMO_MODELS, DemoTransport
from relay.upstream.keyring import KeyState
from relay.upstream.providers import DEMO, Provider
from relay.upstream.session import open_sessions
from relay.upstream.transport import Transport
from relay.version import NAME, VERSION
from relay.web.info import InfoHandler
from relay.web.middleware import ChokePoint, choke_point
from relay.web.middleware.access import Gatekeeper
from relay.web.middleware.cors import Cors
from relay.web.models import ModelsHandler
from relay.web.relayed import RelayedEndpoint
from relay.web.routes import Handler, register, table
from relay.web.server_log import server_logger

BACKLOG = 4096
"""Connections that the kernel holds while the process is busy; the default of 128 drops a burst."""
DRAIN_S = 60.0
"""How long running calls may go on after SIGTERM; becomes `server.drain` with the drain itself."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class World:
    """What the parts take from outside: clocks and ids. Tests pass their own."""

    now: Callable[[], datetime] = _utc_now
    clock_s: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = _new_request_id


@dataclass(slots=True)
class State:
    """What outlives a configuration."""

    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    key_states: dict[str, KeyState] = field(default_factory=dict)


def build(config: Config, transport: Transport, state: State, world: World) -> web.Application:
    """The application for one configuration. `transport` serves all providers but the built-in one."""
    providers = upstream_providers.build(config)
    catalog = catalog_of(config, providers, DEMO_MODELS)
    demo = DemoTransport(lambda: world.now().timestamp())

    def transport_of(provider: Provider) -> Transport:
        return demo if provider.name == DEMO else transport

    relay = Relay(catalog, providers, transport_of, state.key_states, now=world.now, clock_s=world.clock_s)
    max_body_bytes = config.server.max_body_bytes

    def relayed(endpoint: Endpoint) -> Handler:
        return RelayedEndpoint(endpoint, relay, max_body_bytes=max_body_bytes, clock_s=world.clock_s).post

    health = Health(config, providers, state.lifecycle, version=VERSION, now=world.now)
    rows = table(
        InfoHandler(config, health, name=NAME, version=VERSION), ModelsHandler(ModelList(catalog, world.now())), relayed
    )
    app = web.Application(client_max_size=max_body_bytes)
    routes = register(app, rows)
    gatekeeper = Gatekeeper(routes, AccessKeys(config), now=world.now)
    parts = ChokePoint(gatekeeper, Cors(config.server.cors_origins), world.new_id, world.clock_s)
    app.middlewares.append(choke_point(parts))
    return app


async def run(config: Config, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; `announce` is called once requests are answered."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state = State()
    async with open_sessions() as sessions:
        runner = runner_for(build(config, SessionTransport(sessions), state, World()), config)
        await runner.setup()
        try:
            await web.SockSite(runner, listener, backlog=BACKLOG).start()
            state.lifecycle.phase = Phase.SERVING
            announce()
            await stop.wait()
            state.lifecycle.phase = Phase.DRAINING
        finally:
            await runner.cleanup()


def runner_for(app: web.Application, config: Config, *, drain_s: float = DRAIN_S) -> web.AppRunner:
    """Handlers are cancelled when their client leaves: else a silent upstream would hide it (design: faults)."""
    return web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        logger=server_logger(),
        auto_decompress=False,  # A compressed body is refused (415); aiohttp would decode it, or fail without JSON.
        keepalive_timeout=config.server.keepalive_timeout_s,
        shutdown_timeout=drain_s,
    )
