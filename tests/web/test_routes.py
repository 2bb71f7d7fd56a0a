"""The route table: every path that is served has a row, and what has none is served to nobody."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from relay.app import Front
from relay.core.endpoints import ENDPOINTS, Endpoint
from relay.core.ledger import Ledger
from relay.model import Dialect, Role
from relay.state import State, World
from relay.sweep import Sweep
from relay.upstream.demo import DemoTransport
from relay.web.routes import Access, Route, index_of, register
from tests.conftest import StartRelay
from tests.support.accounts import new_accounts
from tests.support.running import ACCESS_KEY, MemoryStore, configuration
from tests.web.conftest import ServeApp

PUBLIC = ["/", "/health", "/health/live", "/health/ready", "/api/info", "/v1/models", "/v1/models/demo"]
PUBLIC_POSTS = [("POST", f"/api/auth/{what}") for what in ("register", "login", "refresh")]


@pytest.fixture
async def application() -> AsyncIterator[web.Application]:
    """As it is served; nothing is sent anywhere from here."""
    config, world = configuration(), World()
    async with new_accounts(config, world.now) as accounts:
        state = State(Ledger(MemoryStore(), lambda records: None), Sweep(), accounts, world.now())
        yield Front(config, {"direct": DemoTransport(lambda: 0.0)}, state, world).application()


async def unlisted(request: web.Request) -> web.Response:
    return web.Response(text="secret")


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=["no credential", "a bad one"])
async def test_this_is_public(start_relay: StartRelay, method: str, path: str, headers: dict[str, str]) -> None:
    relay = await start_relay()
    async with aiohttp.request(method, f"{relay.url}{path}", headers=headers) as answer:
        assert answer.status == 200


async def test_the_public_routes_are_exactly_these(application: web.Application, start_relay: StartRelay) -> None:
    relay = await start_relay()
    public = set()
    async with aiohttp.ClientSession() as session:
        for route in application.router.routes():
            assert route.resource is not None
            path = re.sub(r"\{[^}]*\}", "demo", route.resource.canonical)
            async with session.request(route.method, f"{relay.url}{path}") as answer:
                if answer.status != 401:
                    public.add((route.method, path))
    assert public == {*((method, path) for method in ("GET", "HEAD") for path in PUBLIC), *PUBLIC_POSTS}


async def test_every_registered_route_has_a_row(application: web.Application, start_relay: StartRelay) -> None:
    relay = await start_relay()
    async with aiohttp.ClientSession(headers={"x-api-key": ACCESS_KEY}) as session:
        for route in application.router.routes():
            assert route.resource is not None
            path = re.sub(r"\{[^}]*\}", "demo", route.resource.canonical)
            async with session.request(route.method, f"{relay.url}{path}") as answer:
                assert b"no access level" not in await answer.read(), (route.method, path)


async def test_a_route_without_a_row_is_forbidden_even_with_a_credential(
    application: web.Application, serve_app: ServeApp
) -> None:
    application.router.add_get("/unlisted", unlisted)
    url = f"http://127.0.0.1:{await serve_app(application)}/unlisted"
    for method in ("GET", "HEAD"):
        async with aiohttp.request(method, url, headers={"x-api-key": ACCESS_KEY}) as answer:
            assert answer.status == 403
        async with aiohttp.request(method, url) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
async def test_an_error_of_a_relayed_route_has_the_form_of_its_dialect(
    start_relay: StartRelay, http: aiohttp.ClientSession, endpoint: Endpoint
) -> None:
    relay = await start_relay()
    async with http.post(f"{relay.url}{endpoint.path}", data=b"{}") as answer:
        document = await answer.json()
    is_anthropics = document.get("type") == "error"
    assert (answer.status, is_anthropics) == (400, endpoint.dialect is Dialect.MESSAGES)


def test_the_index_knows_a_row_by_its_method_and_what_the_router_matches() -> None:
    rows = (
        Route("GET", "/things/{id:.+}", unlisted, Access.PUBLIC),
        Route("POST", "/things", unlisted, Access.USER, Dialect.MESSAGES),
    )
    assert index_of(rows) == {("GET", "/things/{id}"): rows[0], ("POST", "/things"): rows[1]}


def test_a_path_may_have_a_row_for_each_method() -> None:
    rows = tuple(Route(method, "/things", unlisted, Access.USER) for method in ("GET", "POST"))
    app = web.Application()
    register(app, rows)
    assert {route.method for route in app.router.routes()} == {"GET", "HEAD", "POST"}


def test_the_access_levels_are_the_roles_and_nobody_in_particular() -> None:
    assert [access.value for access in Access] == [None, *Role]
