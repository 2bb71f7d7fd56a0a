"""THE route table: every path that is served, with its method, handler and access level.

No row, no access: the middleware refuses a registered route that has no row here, and a test walks the router.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import HttpVersion11, web

from relay.core.endpoints import ENDPOINTS, Endpoint
from relay.model import Dialect, Role
from relay.web.info import InfoHandler
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


def table(info: InfoHandler, models: ModelsHandler, relayed: Callable[[Endpoint], Handler]) -> tuple[Route, ...]:
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
        *(Route("POST", endpoint.path, relayed(endpoint), user, endpoint.dialect) for endpoint in ENDPOINTS),
    )


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


def register(app: web.Application, routes: tuple[Route, ...]) -> RouteIndex:
    """Put the rows into the application's router, and index them by what the router will say that it matched."""
    index: dict[tuple[str, str], Route] = {}
    for route in routes:
        add = app.router.add_get if route.method == "GET" else app.router.add_post
        resource = add(route.path, route.handler, expect_handler=_invite).resource
        if resource is None:
            raise AssertionError(f"{route.path} has no resource")
        index[route.method, resource.canonical] = route
    return index
