"""The application: one, made once, in front of whichever configuration is in force.

The router knows the paths, which are the same for every configuration; who may pass and who answers is asked of the
site of the moment. Nothing else in the package knows the order in which the parts start and stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket

from aiohttp import web

from relay.config.schema import Config
from relay.core.catalog import NO_LISTS
from relay.core.model_lists import ModelLists, Shelf
from relay.site import Site, build
from relay.state import State, World
from relay.sweep import INTERVAL_S, sweeping
from relay.upstream.demo import DemoTransport
from relay.upstream.direct import open_direct
from relay.upstream.providers import DEMO, Provider
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Transport
from relay.web.connections import Connections, limit_for, open_files_limit
from relay.web.listening import Listening, listening
from relay.web.middleware import choke_point
from relay.web.routes import register

GATHERED_S = 0.25
"""How long changed lists of models are gathered before they are known."""


class Front:
    """The configuration in force, and what takes over when it changes."""

    def __init__(self, config: Config, transports: Mapping[str, Transport], state: State, world: World) -> None:
        self._transports = {**transports, DEMO: DemoTransport(lambda: world.now().timestamp())}
        self._state = state
        self._world = world
        self._model_lists: ModelLists | None = None
        self._rebuilding: asyncio.TimerHandle | None = None
        self.site = self._built(config)
        self.connections = Connections(
            limit=limit_for(open_files_limit()), rule=self.site.connection_rule, clock_s=world.clock_s
        )
        self._take_over()

    def adopt(self, config: Config) -> None:
        """Serve by another configuration from the next request on; those under way end on what they began with."""
        self.site = self._built(config)
        if self._model_lists is not None:
            before = self._model_lists.lists
            self._model_lists.follow(self.site.providers.means.providers)
            if self._model_lists.lists != before:  # Of a provider that comes back something may be known already.
                self.site = self._built(config)
        self._take_over()

    @asynccontextmanager
    async def following_lists(self, shelf: Shelf) -> AsyncIterator[None]:
        """Know what providers tell of their models, while inside. Raises StoreError at the start."""
        lists = ModelLists(shelf, self._transport_of, self._world.clocks(), self._lists_changed)
        lists.follow(self.site.providers.means.providers)
        async with lists.keeping():
            self._model_lists = lists
            self.adopt(self.site.config)
            try:
                yield
            finally:
                self._model_lists = None
                if self._rebuilding is not None:
                    self._rebuilding.cancel()

    def _lists_changed(self) -> None:
        """Several come in a row at the start: one new site serves for all of them."""
        if self._rebuilding is None:
            self._rebuilding = asyncio.get_running_loop().call_later(GATHERED_S, self._rebuild)

    def _rebuild(self) -> None:
        self._rebuilding = None
        self.adopt(self.site.config)

    def _transport_of(self, provider: Provider) -> Transport:
        return self._transports[DEMO if provider.name == DEMO else provider.http_client]

    def application(self) -> web.Application:
        """What aiohttp serves."""
        app = web.Application(middlewares=[choke_point(lambda: self.site.choke_point)])
        register(app, self.site.routes)
        return app

    def _built(self, config: Config) -> Site:
        lists = NO_LISTS if self._model_lists is None else self._model_lists.lists
        return build(config, self._transport_of, self._state, self._world, lists, lambda: self.site.providers)

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
