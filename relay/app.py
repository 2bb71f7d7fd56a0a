"""The application: one, made once, in front of whichever configuration is in force.

The router knows the paths, which are the same for every configuration; who may pass and who answers is asked of the
site of the moment. Nothing else in the package knows the order in which the parts start and stop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket

from aiohttp import web

from relay.config.schema import Config
from relay.site import Site, build
from relay.state import State, World
from relay.sweep import INTERVAL_S, sweeping
from relay.upstream.direct import open_direct
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Transport
from relay.web.connections import Connections, limit_for, open_files_limit
from relay.web.listening import Listening, listening
from relay.web.middleware import choke_point
from relay.web.routes import register


class Front:
    """The configuration in force, and what takes over when it changes."""

    def __init__(self, config: Config, transports: Mapping[str, Transport], state: State, world: World) -> None:
        self._transports = transports
        self._state = state
        self._world = world
        self.site = self._built(config)
        self.connections = Connections(
            limit=limit_for(open_files_limit()), rule=self.site.connection_rule, clock_s=world.clock_s
        )
        self._take_over()

    def adopt(self, config: Config) -> None:
        """Serve by another configuration from the next request on; those under way end on what they began with."""
        self.site = self._built(config)
        self._take_over()

    def application(self) -> web.Application:
        """What aiohttp serves."""
        app = web.Application(middlewares=[choke_point(lambda: self.site.choke_point)])
        register(app, self.site.routes)
        return app

    def _built(self, config: Config) -> Site:
        return build(config, self._transports, self._state, self._world)

    def _take_over(self) -> None:
        self.connections.rule = self.site.connection_rule
        self._state.admission.follow(self.site.admission_rule)
        self._state.body_budget.limit_bytes = self.site.config.server.max_buffered_bytes


class Serving:
    """One process that answers."""

    def __init__(self, front: Front, side: Listening) -> None:
        self.front = front
        self.listening = side


@asynccontextmanager
async def serving(
    config: Config, listener: socket, state: State, world: World, *, sweep_s: float = INTERVAL_S
) -> AsyncIterator[Serving]:
    """Serve on a bound socket until left; ready from the first moment on."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(state.ledger.keeping())
        await stack.enter_async_context(sweeping(state.sweep, interval_s=sweep_s))
        transports: dict[str, Transport] = {
            "direct": await stack.enter_async_context(open_direct(state.sweep)),
            "aiohttp": SessionTransport(await stack.enter_async_context(open_sessions()), state.sweep),
        }
        front = Front(config, transports, state, world)
        state.sweep.also(front.connections.look)
        side = await stack.enter_async_context(listening(front.application(), listener, front.connections))
        yield Serving(front, side)
