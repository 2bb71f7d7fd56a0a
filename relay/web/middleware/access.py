"""Who may pass: default deny, decided by the route that the router matched, never by the client's spelling of a path.

Finding the credential, finding whom it stands for, and deciding are three functions; the last one alone says no.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from aiohttp import web
from multidict import CIMultiDictProxy

from relay.core.credentials import kind_of
from relay.core.refusals import Refusals
from relay.errors import Forbidden, MethodNotAllowed, NotFound, Unauthorized
from relay.model import Dialect, Principal
from relay.web.answers import printable
from relay.web.exchange import Exchange
from relay.web.routes import Access, Route, RouteIndex

_RAW_HEADERS = ("x-api-key", "api-key")
_MAX_SHOWN_PATH = 200


class Matching(Protocol):
    """Knows credentials. See core.credentials."""

    def match(self, presented: str, now: datetime, /) -> Principal | None:
        """Whom the string stands for at this moment; None for nobody."""
        ...

    async def follow(self, presented: str, now: datetime, /) -> bool:
        """Whether a string that matched nothing may match something by now. Raises StoreError: nobody knows."""
        ...


class Gatekeeper:
    """Admits a request or raises."""

    def __init__(
        self,
        routes: RouteIndex,
        credentials: Matching,
        refusals: Refusals,
        *,
        now: Callable[[], datetime],
        client_ip: Callable[[web.Request], str],
    ) -> None:
        self._routes = routes
        self._credentials = credentials
        self._refusals = refusals
        self._now = now
        self._client_ip = client_ip

    def admit(self, request: web.Request, exchange: Exchange) -> Route:
        """The row that serves the request; the exchange's principal and dialect are set.

        Raises Unauthorized, Forbidden, NotFound or MethodNotAllowed.
        """
        presented = credential(request.headers)
        principal = self._credentials.match(presented, self._now()) if presented else None
        exchange.principal = principal
        route = self._route(request)
        exchange.dialect = route.dialect if route is not None else _dialect_of(request)
        if route is not None and route.access is Access.PUBLIC:
            return route
        if principal is None:
            if route is not None and presented and _opens_to(route, presented):
                return route
            raise Unauthorized
        return _permitted(request, route, principal)

    async def has_news(self, request: web.Request) -> bool:
        """Whether a request that was refused may be admitted by now: another process has just made its credential.

        Raises StoreError where nobody knows.
        """
        presented = credential(request.headers)
        if not presented:
            return False
        if await self._credentials.follow(presented, self._now()):
            return True
        self._refusals.note(kind_of(presented), self._client_ip(request))
        return False

    def _route(self, request: web.Request) -> Route | None:
        """The matched row; None for an unknown path, another method, and a registered route without a row."""
        match = request.match_info
        if match.http_exception is not None or match.route.resource is None:
            return None
        method = "GET" if request.method == "HEAD" else request.method
        return self._routes.get((method, match.route.resource.canonical))


def _dialect_of(request: web.Request) -> Dialect:
    """The form of errors where no route says it: by what only Anthropic's clients send or ask for."""
    is_anthropic = "anthropic-version" in request.headers or request.path.startswith("/v1/messages")
    return Dialect.MESSAGES if is_anthropic else Dialect.CHAT


def credential(headers: CIMultiDictProxy[str]) -> str | None:
    """The string of the one header that decides; None where there is none, or where it is sent twice or malformed.

    X-Access-Key decides where it is sent, else Authorization, else x-api-key, then api-key: a header that decides is
    never overruled by another.
    """
    if "X-Access-Key" in headers:
        return _only(headers.getall("X-Access-Key"))
    if "Authorization" in headers:
        scheme, _, token = (_only(headers.getall("Authorization")) or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    name = next((name for name in _RAW_HEADERS if name in headers), None)
    return None if name is None else _only(headers.getall(name))


def _only(values: list[str]) -> str | None:
    return values[0].strip() if len(values) == 1 else None


def _opens_to(route: Route, presented: str) -> bool:
    """Whether a string that stands for nobody is this route's own."""
    return route.opens_to is not None and route.opens_to(presented)


def _permitted(request: web.Request, route: Route | None, principal: Principal) -> Route:
    """The row, unless a valid credential may not use it, or can't since nothing is there."""
    if route is None:
        problem = request.match_info.http_exception
        if isinstance(problem, web.HTTPMethodNotAllowed):
            raise MethodNotAllowed(request.method, sorted(problem.allowed_methods))
        if problem is not None:
            raise NotFound(printable(request.path[:_MAX_SHOWN_PATH]))
        raise Forbidden("This path has no access level.")
    if principal.api_key_id is not None and not route.takes_api_keys:
        raise Forbidden("An API key can't manage accounts: log in, and use the access token.")
    needed = route.access.least_role
    if needed is not None and principal.role < needed:
        raise Forbidden(f"This needs the role {needed.name.lower()}.")
    return route
