"""THE route table: every path that is served, with its method, handler and access level.

No row, no access: the middleware refuses a registered route that has no row here, and a test walks the router.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import HttpVersion11, web

from relay.core.endpoints import ENDPOINTS, Endpoint
from relay.model import Dialect, Role
from relay.web.accounts.auth import AuthHandler
from relay.web.accounts.invites import InvitesHandler
from relay.web.accounts.keys import KeysHandler
from relay.web.accounts.users import UsersHandler
from relay.web.admin.config import ConfigHandler
from relay.web.admin.providers import ProvidersHandler
from relay.web.explain import ExplainHandler
from relay.web.info import InfoHandler
from relay.web.metrics import MetricsHandler
from relay.web.models import ModelsHandler

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(enum.Enum):
    """Who may call a route."""

    PUBLIC = None
    USER = Role.USER
    ADMIN = Role.ADMIN
    SUPER_ADMIN = Role.SUPER_ADMIN

    def __init__(self, least_role: Role | None) -> None:
        self.least_role = least_role
        """None: anybody. `value` says the same, but is a function call."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row."""

    method: str
    """GET serves HEAD as well."""
    path: str
    handler: Handler
    access: Access
    dialect: Dialect = Dialect.CHAT
    """The form of its errors."""
    takes_api_keys: bool = False
    """Else an API key is no credential here: it makes calls, and a stolen one must not make more of its kind."""
    opens_to: Callable[[str], bool] | None = None
    """Whether a string that stands for nobody opens this row all the same, and no other. None: no string does."""


@dataclass(frozen=True, slots=True)
class AccountHandlers:
    """Those of the account API."""

    auth: AuthHandler
    keys: KeysHandler
    users: UsersHandler
    invites: InvitesHandler


@dataclass(frozen=True, slots=True)
class AdminHandlers:
    """Those of the running configuration."""

    config: ConfigHandler
    providers: ProvidersHandler


def table(
    info: InfoHandler,
    models: ModelsHandler,
    metrics: MetricsHandler,
    explain: ExplainHandler,
    accounts: AccountHandlers,
    admin: AdminHandlers,
    relayed: Callable[[Endpoint], Handler],
) -> tuple[Route, ...]:
    """All routes, given the handlers."""
    public, user = Access.PUBLIC, Access.USER
    return (
        Route("GET", "/", info.door, public),
        Route("GET", "/health", info.health, public),
        Route("GET", "/health/live", info.live, public),
        Route("GET", "/health/ready", info.ready, public),
        Route("GET", "/api/info", info.info, public),
        Route("GET", "/v1/models", models.list, public),
        Route("GET", "/v1/models/{id:.+}", models.one, public),
        *_admin_routes(admin),
        Route("POST", "/api/explain", explain.explain, user, takes_api_keys=True),
        Route("GET", "/metrics", metrics.get, Access.ADMIN, opens_to=metrics.opens_to),
        *_account_routes(accounts),
        *(
            Route("POST", endpoint.path, relayed(endpoint), user, endpoint.dialect, takes_api_keys=True)
            for endpoint in ENDPOINTS
        ),
    )


def _account_routes(accounts: AccountHandlers) -> Iterator[Route]:
    auth, keys, users, invites = accounts.auth, accounts.keys, accounts.users, accounts.invites
    public, user, admin = Access.PUBLIC, Access.USER, Access.ADMIN
    yield Route("POST", "/api/auth/register", auth.register, public)
    yield Route("POST", "/api/auth/login", auth.log_in, public)
    yield Route("POST", "/api/auth/refresh", auth.refresh, public)
    yield Route("POST", "/api/auth/logout", auth.log_out, user)
    yield Route("GET", "/api/auth/me", auth.me, user, takes_api_keys=True)
    yield Route("PATCH", "/api/auth/me", auth.change_me, user)
    yield Route("POST", "/api/auth/change-password", auth.change_password, user)
    yield Route("GET", "/api/keys", keys.list, user)
    yield Route("POST", "/api/keys", keys.make, user)
    yield Route("PATCH", "/api/keys/{id}", keys.change, user)
    yield Route("DELETE", "/api/keys/{id}", keys.revoke, user)
    yield Route("GET", "/api/users", users.list, admin)
    yield Route("POST", "/api/users", users.add, admin)
    yield Route("PATCH", "/api/users/{id}", users.change, admin)
    yield Route("DELETE", "/api/users/{id}", users.delete, admin)
    yield Route("GET", "/api/invites", invites.list, admin)
    yield Route("POST", "/api/invites", invites.make, admin)
    yield Route("DELETE", "/api/invites/{id}", invites.revoke, admin)


def _admin_routes(admin: AdminHandlers) -> Iterator[Route]:
    config, providers, level = admin.config, admin.providers, Access.ADMIN
    yield Route("GET", "/api/config", config.show, level)
    yield Route("PUT", "/api/config", config.replace, level)
    yield Route("POST", "/api/config/check", config.check, level)
    yield Route("GET", "/api/config/history", config.history, level)
    yield Route("GET", "/api/config/history/{version}", config.version, level)
    yield Route("POST", "/api/config/rollback", config.roll_back, level)
    yield Route("GET", "/api/providers", providers.list, level)
    yield Route("POST", "/api/providers", providers.add, level)
    yield Route("POST", "/api/providers/order", providers.reorder, level)
    yield Route("GET", "/api/providers/{name}", providers.one, level)
    yield Route("PATCH", "/api/providers/{name}", providers.change, level)
    yield Route("DELETE", "/api/providers/{name}", providers.delete, level)
    yield Route("GET", "/api/providers/{name}/models", providers.models, level)
    yield Route("POST", "/api/providers/{name}/test", providers.test, level)
    yield Route("GET", "/api/providers/{name}/keys", providers.keys, level)
    yield Route("POST", "/api/providers/{name}/keys", providers.add_keys, level)
    yield Route("PATCH", "/api/providers/{name}/keys/{label:.+}", providers.change_key, level)
    yield Route("DELETE", "/api/providers/{name}/keys/{label:.+}", providers.delete_key, level)


async def _invite(request: web.Request) -> None:
    """Answer `Expect: 100-continue` (RFC 9110, 10.1.1); any other expectation is ignored, as one may.

    It comes before the credential is looked at: a body that was not asked for could be taken for the next request.
    """
    if request.version >= HttpVersion11 and request.headers["Expect"].strip().lower() == "100-continue":
        with suppress(ConnectionError):  # A client that left is found out at the next read.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0


RouteIndex = Mapping[tuple[str, str], Route]
"""(method, canonical path of the resource) -> row."""


async def _unreached(request: web.Request) -> web.StreamResponse:
    raise AssertionError("the middleware calls the handler of the row")


def _add(router: web.UrlDispatcher, route: Route) -> web.AbstractRoute:
    if route.method == "GET":
        return router.add_get(route.path, _unreached, expect_handler=_invite)  # And HEAD.
    return router.add_route(route.method, route.path, _unreached, expect_handler=_invite)


def register(app: web.Application, routes: tuple[Route, ...]) -> None:
    """Put the paths of the rows into the application's router, which only matches."""
    for route in routes:
        _add(app.router, route)


def index_of(routes: tuple[Route, ...]) -> RouteIndex:
    """The rows by what a router will say that it matched."""
    router = web.UrlDispatcher()
    index: dict[tuple[str, str], Route] = {}
    for route in routes:
        resource = _add(router, route).resource
        if resource is None:
            raise AssertionError(f"{route.path} has no resource")
        index[route.method, resource.canonical] = route
    return index
