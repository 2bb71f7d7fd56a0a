"""The composition root: builds every object once, for one configuration, and knows the order of start and stop.

Nothing else in the package knows how the parts find one another.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from socket import socket

from aiohttp import web

from relay.config.schema import Config
from relay.core.access_keys import AccessKeys
from relay.core.accounts.desk import AccountDesk
from relay.core.admission import Admission, BodyBudget
from relay.core.catalog import catalog_of
from relay.core.credentials import Credentials
from relay.core.health import Health, Lifecycle
from relay.core.ledger import Ledger
from relay.core.live_calls import LiveCalls
from relay.core.means import Clocks, Memory, means_of
from relay.core.models import ModelList
from relay.core.refusals import Refusals
from relay.core.relay import Relay
from relay.sweep import INTERVAL_S, NEVER, Sweep, sweeping
from relay.upstream import providers as upstream_providers
from relay.upstream.demo import DEMO_MODELS, DemoTransport
from relay.upstream.direct import open_direct
from relay.upstream.providers import DEMO, Provider
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Transport
from relay.version import NAME, VERSION
from relay.web.accounts.auth import AuthHandler
from relay.web.accounts.bodies import MAX_BYTES
from relay.web.accounts.invites import InvitesHandler
from relay.web.accounts.keys import KeysHandler
from relay.web.accounts.request import AccountApi
from relay.web.accounts.users import UsersHandler
from relay.web.body import BodyLimits
from relay.web.client_address import ProxyTrust
from relay.web.connections import Connections, limit_for, open_files_limit
from relay.web.info import InfoHandler
from relay.web.keepalive import Silence
from relay.web.listening import Listening, listening, protocol_options
from relay.web.middleware import ChokePoint, choke_point
from relay.web.middleware.access import Gatekeeper
from relay.web.middleware.cors import Cors
from relay.web.models import ModelsHandler
from relay.web.relayed import Desk, RelayedEndpoint
from relay.web.routes import AccountHandlers, register, table


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _request_ids() -> Callable[[], str]:
    """Ids that nobody else makes. They guard nothing, so the system's randomness is asked once, not for each."""
    generator = random.Random(secrets.token_bytes(32))  # noqa: S311 - see above
    return lambda: f"req_{generator.getrandbits(96):024x}"


def _call_ids() -> Callable[[], str]:
    """Ids that no other process ever makes: a random part for this one, and a count."""
    process, count = secrets.token_hex(8), itertools.count()
    return lambda: f"{process}-{next(count):x}"


@dataclass(frozen=True, slots=True)
class World:
    """What the parts take from outside: clocks, ids and chance. Tests pass their own."""

    now: Callable[[], datetime] = _utc_now
    clock_s: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = field(default_factory=_request_ids)
    new_call_id: Callable[[], str] = field(default_factory=_call_ids)
    random: Callable[[], float] = random.random  # It guards nothing.


@dataclass(slots=True)
class State:
    """What outlives a configuration."""

    ledger: Ledger
    sweep: Sweep
    accounts: AccountDesk
    refusals: Refusals = field(default_factory=Refusals)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    live_calls: LiveCalls = field(default_factory=LiveCalls)
    memory: Memory = field(default_factory=Memory)


def build(config: Config, transports: Mapping[str, Transport], state: State, world: World) -> web.Application:
    """The application for one configuration. `transports` are those of `providers.*.http_client`, by its values."""
    providers = upstream_providers.build(config)
    catalog = catalog_of(config, providers, DEMO_MODELS)
    demo = DemoTransport(lambda: world.now().timestamp())

    def transport_of(provider: Provider) -> Transport:
        return demo if provider.name == DEMO else transports[provider.http_client]

    clocks = Clocks(world.now, world.clock_s, world.random, asyncio.sleep)
    relay = Relay(catalog, means_of(config, providers, state.memory, clocks), transport_of, clocks)
    desk = _desk(config, relay, state, world)
    health = Health(config, providers, state.lifecycle, version=VERSION, now=world.now)
    rows = table(
        InfoHandler(config, health, name=NAME, version=VERSION),
        ModelsHandler(ModelList(catalog, world.now())),
        _account_handlers(config, state, desk),
        lambda endpoint: RelayedEndpoint(endpoint, desk).post,
    )
    app = web.Application(client_max_size=config.server.max_body_bytes)
    routes = register(app, rows)
    credentials = Credentials(AccessKeys(config), state.accounts.signer, state.accounts.directory)
    gatekeeper = Gatekeeper(routes, credentials, state.refusals, now=world.now, client_ip=desk.client_ip)
    parts = ChokePoint(gatekeeper, Cors(config.server.cors_origins), world.new_id, world.clock_s)
    app.middlewares.append(choke_point(parts))
    return app


def _account_handlers(config: Config, state: State, desk: Desk) -> AccountHandlers:
    limits = desk.body_limits
    if limits.max_bytes > MAX_BYTES:
        limits = replace(limits, max_bytes=MAX_BYTES, bound="")
    api = AccountApi(state.accounts, limits, desk.client_ip)
    return AccountHandlers(AuthHandler(api), KeysHandler(api), UsersHandler(api), InvitesHandler(api))


def _desk(config: Config, relay: Relay, state: State, world: World) -> Desk:
    server = config.server
    trust = ProxyTrust(server.trusted_proxies)
    return Desk(
        relay=relay,
        admission=Admission(
            max_in_flight=server.max_in_flight,
            queue_size=server.queue.size,
            queue_timeout_s=server.queue.timeout_s,
        ),
        ledger=state.ledger,
        live_calls=state.live_calls,
        body_limits=BodyLimits(
            server.max_body_bytes, server.body_timeout_s, BodyBudget(server.max_buffered_bytes), world.clock_s
        ),
        silence=Silence(server.sse_keepalive_first_s or NEVER, server.sse_keepalive_s or NEVER),
        sweep=state.sweep,
        clock_s=world.clock_s,
        now=world.now,
        new_call_id=world.new_call_id,
        client_ip=lambda request: trust.client(request.remote or "", request.headers.getall("X-Forwarded-For", ())),
    )


@asynccontextmanager
async def serving(
    config: Config, listener: socket, state: State, world: World, *, sweep_s: float = INTERVAL_S
) -> AsyncIterator[Listening]:
    """Serve on a bound socket until left; ready from the first moment on."""
    server = config.server
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(state.ledger.keeping())
        await stack.enter_async_context(sweeping(state.sweep, interval_s=sweep_s))
        transports: dict[str, Transport] = {
            "direct": await stack.enter_async_context(open_direct(state.sweep)),
            "aiohttp": SessionTransport(await stack.enter_async_context(open_sessions()), state.sweep),
        }
        app = build(config, transports, state, world)
        connections = Connections(
            limit=limit_for(open_files_limit()),
            header_timeout_s=server.header_timeout_s,
            write_timeout_s=server.write_timeout_s,
            clock_s=world.clock_s,
            options=protocol_options(server.keepalive_timeout_s),
            is_trusted=ProxyTrust(server.trusted_proxies).is_known,
        )
        state.sweep.also(connections.look)
        yield await stack.enter_async_context(listening(app, listener, connections))
