"""Who may read the metrics: admins, and whoever holds the token, which opens nothing else."""

from __future__ import annotations

import re

import aiohttp
import pytest

from relay.core.refusals import Kind
from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, RunningRelay, configuration
from tests.web.accounts.client import Api, Calendar

TOKEN = "scrape-token-0123456789"
UNAUTHORIZED = b'{"error": {"message": "Unauthorized", "type": "auth_error"}}'


@pytest.fixture
async def relay(start_relay: StartRelay) -> RunningRelay:
    return await start_relay(metrics={"token": TOKEN})


async def status(relay: RunningRelay, *, method: str = "GET", path: str = "/metrics", **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.request(method, f"{relay.url}{path}", headers=sent) as answer:
        body = await answer.read()
        assert answer.status != 401 or body in (b"", UNAUTHORIZED)
        return answer.status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_token_and_the_access_key_open_the_metrics(relay: RunningRelay, method: str) -> None:
    for credential in (TOKEN, ACCESS_KEY):
        assert await status(relay, method=method, Authorization=f"Bearer {credential}") == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", f"Basic {TOKEN}", TOKEN]
)
async def test_anything_else_is_the_same_401(relay: RunningRelay, authorization: str) -> None:
    assert await status(relay, Authorization=authorization) == 401
    assert await status(relay) == 401


async def test_the_token_opens_no_other_route_and_no_other_method(relay: RunningRelay) -> None:
    bearer = f"Bearer {TOKEN}"
    closed = [(row.method, row.path) for row in relay.front.site.routes if row.access.least_role is not None]
    assert len(closed) > 20
    found = {
        (method, path): await status(relay, method=method, path=re.sub(r"\{[^}]*\}", "1", path), Authorization=bearer)
        for method, path in [*closed, ("POST", "/metrics"), ("PUT", "/metrics"), ("GET", "/metrics/"), ("GET", "/x")]
    }
    assert found.pop(("GET", "/metrics")) == 200
    assert set(found.values()) == {401}


async def test_the_token_is_nobody_where_all_may_come(relay: RunningRelay) -> None:
    async with aiohttp.request("GET", f"{relay.url}/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        with_token = await answer.json()
    async with aiohttp.request("GET", f"{relay.url}/v1/models") as answer:
        assert await answer.json() == with_token


@pytest.mark.parametrize("header", ["X_Access_Key", "x_api_key", "api_key"])
async def test_the_token_is_taken_from_the_header_that_decides(relay: RunningRelay, header: str) -> None:
    assert await status(relay, **{header: TOKEN}) == 200
    assert await status(relay, X_Access_Key="wrong", Authorization=f"Bearer {TOKEN}") == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "bearer  "])
async def test_an_empty_token_opens_nothing(start_relay: StartRelay, authorization: str) -> None:
    relay = await start_relay()
    assert await status(relay, Authorization=authorization, X_Access_Key="") == 401
    assert await status(relay, Authorization=authorization) == 401
    assert await status(relay, Authorization=f"Bearer {ACCESS_KEY}") == 200


async def test_a_token_that_is_refused_is_counted_and_one_that_opens_is_not(relay: RunningRelay) -> None:
    assert await status(relay, Authorization=f"Bearer {TOKEN}") == 200
    assert relay.state.refusals.counts == {}
    assert await status(relay, Authorization="Bearer wrong") == 401
    assert relay.state.refusals.counts == {Kind.ACCESS_KEY: 1}


async def test_another_token_takes_over_with_another_configuration(relay: RunningRelay) -> None:
    relay.front.adopt(configuration(metrics={"token": "another-token-0123456789"}))
    assert await status(relay, Authorization=f"Bearer {TOKEN}") == 401
    assert await status(relay, Authorization="Bearer another-token-0123456789") == 200


async def test_users_may_not_read_them_and_admins_may(relay: RunningRelay) -> None:
    async with aiohttp.ClientSession() as session:
        api = Api(relay, session, Calendar())
        admin, user = await api.super_admin(), await api.token()
        key = (await api.call("POST", "/api/keys", {"name": "ci"}, by=admin)).data["key"]
        answers = [await api.call("GET", "/metrics", by=credential) for credential in (admin, user, key)]
    assert [answer.status for answer in answers] == [200, 403, 403]
    assert answers[1].error["type"] == "permission_error"
