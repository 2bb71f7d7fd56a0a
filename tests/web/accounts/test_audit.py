"""Every act on accounts leaves its line in the audit log: who, what, from where, when, and never a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from relay.store.changing import reading
from relay.store.tables import audit
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, SECOND_PASSWORD, Answer, Api
from tests.web.accounts.conftest import StartApi

ADDRESS = "203.0.113.7"
ROUTES_WITHOUT_A_LINE = {
    ("POST", "/api/auth/refresh"),  # Each hour of each session; a token that is used again leaves one.
    ("POST", "/api/explain"),  # It changes nothing.
}


@dataclass
class Acts:
    """Does things, and knows which routes it has been to."""

    api: Api
    routes: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, method: str, path: str, body: Any = None, *, by: str | None = None) -> Answer:
        parts = path.split("?")[0].split("/")
        self.routes.add((method, "/".join("{id}" if part[:1].isdigit() or len(part) == 16 else part for part in parts)))
        return await self.api.call(method, path, body, by=by, X_Forwarded_For=ADDRESS)


async def lines(api: Api) -> list[tuple[str, str, str]]:
    """(actor, action, subject) of all, each from the address and at the time of the acts."""
    async with reading(api.relay.state.accounts.engine) as transaction:
        rows = (await transaction.execute(sa.select(audit).order_by(audit.c.id))).all()
    assert {(row.client_ip, row.at_us) for row in rows} == {(ADDRESS, api.calendar())}
    assert [word for word in (PASSWORD, SECOND_PASSWORD, "canary") if word in str(rows)] == []
    return [(row.actor, row.action, row.subject) for row in rows]


@pytest.fixture
async def api(start_api: StartApi) -> Api:
    return await start_api(registration="invite", server={"trusted_proxies": ["127.0.0.1"]})


def account(name: str, **more: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **more}


async def come_and_use(act: Acts) -> tuple[str, str, int, list[str]]:
    """Root's and Alice's tokens, her number, and the ids of two invites."""
    await act("POST", "/api/auth/register", account("eve", setup_token="canary-token"))
    root = (await act("POST", "/api/auth/register", account("root"), by=ACCESS_KEY)).json["access_token"]
    invite = (await act("POST", "/api/invites", {}, by=root)).data
    other = (await act("POST", "/api/invites", {}, by=ACCESS_KEY)).data
    await act("DELETE", f"/api/invites/{other['id']}", by=root)
    told = (await act("POST", "/api/auth/register", account("alice", invite=invite["code"]))).json
    alice, alice_id = told["access_token"], told["user"]["id"]
    await act("POST", "/api/auth/login", {"username": "alice", "password": "canary-password"})
    await act("POST", "/api/auth/login", {"username": "canary-in-the-wrong-field", "password": PASSWORD})
    await act("POST", "/api/auth/login", {"username": "alice", "password": PASSWORD})
    await act("PATCH", "/api/auth/me", {"email": "new@example.org"}, by=alice)
    key = (await act("POST", "/api/keys", {"name": "laptop"}, by=alice)).data
    await act("PATCH", f"/api/keys/{key['id']}", {"limits": {"models": ["a"]}}, by=alice)
    await act("DELETE", f"/api/keys/{key['id']}", by=alice)
    return root, alice, alice_id, [invite["id"], other["id"]]


async def change_and_go(act: Acts, root: str, alice: str, alice_id: int) -> None:
    change = {"old_password": "canary-password", "new_password": SECOND_PASSWORD}
    await act("POST", "/api/auth/change-password", change, by=alice)
    await act("POST", "/api/auth/change-password", {**change, "old_password": PASSWORD}, by=alice)
    await act("POST", "/api/auth/logout", by=alice)
    await act("POST", "/api/auth/logout?all=true", by=root)
    root = (await act("POST", "/api/auth/login", {"username": "root", "password": PASSWORD})).json["access_token"]
    await act("POST", "/api/users", account("bert"), by=root)
    await act("PATCH", f"/api/users/{alice_id}", {"is_active": False, "role": "admin", "limits": {}}, by=root)
    await act("DELETE", f"/api/users/{alice_id}", by=ACCESS_KEY)
    await act("DELETE", f"/api/users/{alice_id}", by=root)


async def test_every_act_leaves_a_line(api: Api) -> None:
    act = Acts(api)
    root, alice, alice_id, invites = await come_and_use(act)
    await change_and_go(act, root, alice, alice_id)
    assert await lines(api) == [
        ("-", "set_up_token_refused", "-"),
        ("access-key", "register", "root"),
        ("root", "invite_made", invites[0]),
        ("access-key", "invite_made", invites[1]),
        ("root", "invite_revoked", invites[1]),
        ("alice", "register", "alice"),
        ("alice", "login_failed", "alice"),
        ("unknown", "login_failed", "unknown"),
        ("alice", "login", "alice"),
        ("alice", "change_email", "alice"),
        ("alice", "key_made", "laptop"),
        ("alice", "key_changed", "laptop"),
        ("alice", "key_revoked", "laptop"),
        ("alice", "change_password_failed", "alice"),
        ("alice", "change_password", "alice"),
        ("alice", "logout", "alice"),
        ("root", "logout_all", "root"),
        ("root", "login", "root"),
        ("root", "user_added", "bert"),
        ("root", "user_changed", "alice"),
        ("root", "user_deleted", "alice"),
    ]
    named = {(route.method, route.path) for route in api.relay.front.site.routes}
    changing = {(method, path) for method, path in named if path.startswith("/api/") and method != "GET"}
    accounts = {(method, path) for method, path in changing if not path.startswith(("/api/config", "/api/providers"))}
    assert accounts - act.routes == ROUTES_WITHOUT_A_LINE


async def test_what_changes_nothing_leaves_no_line(api: Api) -> None:
    act = Acts(api)
    root = (await act("POST", "/api/auth/register", account("root"), by=ACCESS_KEY)).json["access_token"]
    key = (await act("POST", "/api/keys", {"name": "laptop"}, by=root)).data
    before, version = await lines(api), api.relay.state.accounts.directory.version
    for path in (f"/api/keys/{key['id']}", "/api/users/1", "/api/auth/me"):
        answer = await act("PATCH", path, {}, by=root)
        assert answer.status == 200, answer.raw
    assert (await act("PATCH", "/api/keys/99", {}, by=root)).status == 404
    assert (await act("PATCH", "/api/users/99", {}, by=root)).status == 404
    assert (await lines(api), api.relay.state.accounts.directory.version) == (before, version)


async def test_a_refresh_token_that_is_used_again_leaves_a_line(api: Api) -> None:
    act = Acts(api)
    told = (await act("POST", "/api/auth/register", account("root"), by=ACCESS_KEY)).json
    for _ in range(2):
        await act("POST", "/api/auth/refresh", {"refresh_token": told["refresh_token"]})
        api.calendar.passes(seconds=11)
    async with reading(api.relay.state.accounts.engine) as transaction:
        rows = (await transaction.execute(sa.select(audit).order_by(audit.c.id))).all()
    assert [(row.actor, row.action, row.subject) for row in rows[1:]] == [("-", "refresh_token_reused", "root")]
