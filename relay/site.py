"""Everything that one configuration makes, built at once: swapping it for another swaps the whole.

A request keeps the site that it began with to its end. What must outlive a site lives in `state`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from relay.config.schema import Config
from relay.core.access_keys import AccessKeys
from relay.core.admission import AdmissionRule
from relay.core.catalog import Lists, catalog_of
from relay.core.credentials import Credentials
from relay.core.explaining import Explainer
from relay.core.health import Health, Readiness
from relay.core.means import Means, means_of
from relay.core.metrics import CallCounter, ModelLabels
from relay.core.models import ModelList
from relay.core.provider_view import Providers
from relay.core.relay import Relay
from relay.core.scrape_token import ScrapeToken
from relay.core.turns import Turns
from relay.state import State, World
from relay.sweep import NEVER
from relay.upstream import providers as upstream_providers
from relay.upstream.demo import DEMO_MODELS
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport
from relay.version import NAME, VERSION
from relay.web.accounts.auth import AuthHandler
from relay.web.accounts.bodies import MAX_BYTES
from relay.web.accounts.invites import InvitesHandler
from relay.web.accounts.keys import KeysHandler
from relay.web.accounts.request import AccountApi
from relay.web.accounts.users import UsersHandler
from relay.web.admin.config import ConfigHandler
from relay.web.admin.providers import ProvidersHandler
from relay.web.admin.request import MAX_BYTES as MAX_CONFIG_BYTES
from relay.web.admin.request import AdminApi
from relay.web.body import BodyLimits
from relay.web.client_address import ProxyTrust
from relay.web.connections import ConnectionRule
from relay.web.explain import ExplainHandler
from relay.web.info import InfoHandler
from relay.web.keepalive import Silence
from relay.web.listening import protocol_options
from relay.web.metrics import MetricsHandler, Watched
from relay.web.middleware import ChokePoint
from relay.web.middleware.access import Gatekeeper
from relay.web.middleware.cors import Cors
from relay.web.models import ModelsHandler
from relay.web.relayed import Desk, RelayedEndpoint
from relay.web.routes import AccountHandlers, AdminHandlers, Route, index_of, table


@dataclass(frozen=True, slots=True)
class Site:
    """One configuration at work."""

    config: Config
    providers: Providers
    routes: tuple[Route, ...]
    choke_point: ChokePoint
    connection_rule: ConnectionRule
    admission_rule: AdmissionRule


def build(
    config: Config,
    transport_of: Callable[[Provider], Transport],
    state: State,
    world: World,
    lists: Lists,
    in_force: Callable[[], Providers],
) -> Site:
    """The site of a configuration. `lists` are what providers have told of their models by now.

    `in_force` gives the providers of whichever site is in force when it is called.
    """
    providers = upstream_providers.build(config)
    catalog = catalog_of(config, providers, DEMO_MODELS, lists)
    clocks = world.clocks()
    means = means_of(config, providers, state.memory, clocks)
    relay = Relay(catalog, means, transport_of, clocks, Turns(means, clocks, state.lines, config.key_selection.queue_s))
    models = ModelLabels(catalog)
    desk = _desk(config, relay, CallCounter(state.tallies, models), state, world)
    health = Health(config, means, _readiness(state), version=VERSION, now=world.now, started_at=state.started_at)
    routes = table(
        InfoHandler(config, health, name=NAME, version=VERSION),
        ModelsHandler(ModelList(catalog, state.started_at, lists)),
        MetricsHandler(state.tallies, _watched(means, models, state, world), ScrapeToken(config).matches),
        ExplainHandler(Explainer(catalog, means, clocks), desk.body_limits),
        _account_handlers(config, state, desk),
        _admin_handlers(config, state, desk, in_force),
        lambda endpoint: RelayedEndpoint(endpoint, desk).post,
    )
    credentials = Credentials(AccessKeys(config), state.accounts.signer, state.accounts.directory)
    gatekeeper = Gatekeeper(index_of(routes), credentials, state.refusals, now=world.now, client_ip=desk.client_ip)
    choke_point = ChokePoint(gatekeeper, Cors(config.server.cors_origins), world.new_id, world.clock_s)
    at_work = Providers(catalog, means, lists, transport_of, clocks)
    return Site(config, at_work, routes, choke_point, _connection_rule(config), _admission_rule(config))


def _readiness(state: State) -> Readiness:
    return Readiness(state.lifecycle, state.admission, lambda: state.accounts.directory.unknown_for_s)


def _account_handlers(config: Config, state: State, desk: Desk) -> AccountHandlers:
    limits = desk.body_limits
    if limits.max_bytes > MAX_BYTES:
        limits = replace(limits, max_bytes=MAX_BYTES, bound="")
    api = AccountApi(state.accounts.under(config), limits, desk.client_ip)
    return AccountHandlers(AuthHandler(api), KeysHandler(api), UsersHandler(api), InvitesHandler(api))


def _watched(means: Means, models: ModelLabels, state: State, world: World) -> Watched:
    return Watched(
        admission=state.admission,
        ledger=state.ledger,
        refusals=state.refusals,
        means=means,
        models=models,
        reload_status=lambda: state.reload_status(),  # Which is set once the first site stands.
        now=world.now,
        started_at=state.started_at,
        version=VERSION,
    )


def _admin_handlers(config: Config, state: State, desk: Desk, in_force: Callable[[], Providers]) -> AdminHandlers:
    limits = replace(desk.body_limits, max_bytes=MAX_CONFIG_BYTES, bound="")
    account_api = AccountApi(state.accounts.under(config), limits, desk.client_ip)
    api = AdminApi(account_api, lambda: state.config_desk)
    return AdminHandlers(ConfigHandler(api), ProvidersHandler(api, in_force))


def _desk(config: Config, relay: Relay, counter: CallCounter, state: State, world: World) -> Desk:
    server = config.server
    trust = ProxyTrust(server.trusted_proxies)
    return Desk(
        relay=relay,
        admission=state.admission,
        ledger=state.ledger,
        counter=counter,
        live_calls=state.live_calls,
        body_limits=BodyLimits(server.max_body_bytes, server.body_timeout_s, state.body_budget, world.clock_s),
        silence=Silence(server.sse_keepalive_first_s or NEVER, server.sse_keepalive_s or NEVER),
        sweep=state.sweep,
        clock_s=world.clock_s,
        now=world.now,
        new_call_id=world.new_call_id,
        client_ip=lambda request: trust.client(request.remote or "", request.headers.getall("X-Forwarded-For", ())),
    )


def _connection_rule(config: Config) -> ConnectionRule:
    server = config.server
    return ConnectionRule(
        header_timeout_s=server.header_timeout_s,
        write_timeout_s=server.write_timeout_s,
        options=protocol_options(server.keepalive_timeout_s),
        is_trusted=ProxyTrust(server.trusted_proxies).is_known,
    )


def _admission_rule(config: Config) -> AdmissionRule:
    server = config.server
    return AdmissionRule(
        max_in_flight=server.max_in_flight, queue_size=server.queue.size, queue_timeout_s=server.queue.timeout_s
    )
