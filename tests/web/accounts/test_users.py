"""/api/users and /api/invites: who may do what to whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, Api
from tests.web.accounts.conftest import StartApi


async def added(api: Api, by: str, name: str, role: str = "user") -> Any:
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "role": role}
    answer = await api.call("POST", "/api/users", body, by=by)
    assert answer.status == 201, answer.raw
    return answer.data


async def token_of(api: Api, name: str) -> str:
    token: str = (await api.log_in(name)).json["access_token"]
    return token


async def changed(api: Api, by: str, user_id: int, **change: Any) -> Any:
    return await api.call("PATCH", f"/api/users/{user_id}", change, by=by)


async def test_admins_see_all_users_a_page_at_a_time(api: Api) -> None:
    root = await api.super_admin()
    for name in ("anna", "bert", "carl"):
        await added(api, root, name)
    answer = await api.call("GET", "/api/users?page=2&page_size=3", by=root)
    assert [user["username"] for user in answer.data] == ["carl"]
    metadata = answer.json["metadata"]
    assert (metadata["page"], metadata["page_size"], metadata["total"]) == (2, 3, 4)
    assert answer.data[0]["is_active"] is True
    assert b"password" not in answer.raw


async def test_a_user_may_be_made_inactive_and_with_limits(api: Api) -> None:
    root = await api.super_admin()
    body = {"username": "anna", "email": "anna@example.org", "password": PASSWORD}
    limits = {"models": ["gpt-*"], "endpoints": None}
    answer = await api.call("POST", "/api/users", {**body, "is_active": False, "limits": limits}, by=root)
    assert (answer.status, answer.data["is_active"], answer.data["limits"]) == (201, False, limits)
    assert (await api.log_in("anna")).status == 401


async def test_new_users_have_the_limits_of_the_configuration_and_admins_have_none(start_api: StartApi) -> None:
    api = await start_api(default_limits={"models": ["nothing-*"]})
    root = await api.super_admin()
    token = await api.token("anna")
    await added(api, root, "bert")
    await added(api, root, "carl", "admin")
    body = {"username": "dora", "email": "dora@example.org", "password": PASSWORD, "limits": {}}
    await api.call("POST", "/api/users", body, by=root)
    users = (await api.call("GET", "/api/users", by=root)).data
    assert [(user["username"], user["limits"]["models"]) for user in users] == [
        ("root", None),
        ("anna", ["nothing-*"]),
        ("bert", ["nothing-*"]),
        ("carl", None),
        ("dora", None),
    ]
    call = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
    answer = await api.call("POST", "/v1/chat/completions", call, by=token)
    assert (answer.status, answer.error["type"]) == (403, "permission_error")


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=201", "page_size=-1", "page=1e3", "page=" + "9" * 30])
async def test_a_page_that_is_none_is_a_bad_request(api: Api, query: str) -> None:
    answer = await api.call("GET", f"/api/users?{query}", by=await api.super_admin())
    assert (answer.status, answer.error["param"]) == (400, query.partition("=")[0])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users"),
        ("POST", "/api/users"),
        ("PATCH", "/api/users/1"),
        ("DELETE", "/api/users/1"),
        ("GET", "/api/invites"),
        ("POST", "/api/invites"),
        ("DELETE", "/api/invites/0123456789abcdef"),
    ],
)
async def test_users_do_not_govern(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, path, {}, by=await api.token())
    assert (answer.status, answer.error["type"]) == (403, "permission_error")


async def test_a_change_of_role_holds_for_the_next_request(api: Api) -> None:
    root = await api.super_admin()
    anna = await added(api, root, "anna")
    token = await token_of(api, "anna")
    assert (await api.call("GET", "/api/users", by=token)).status == 403
    assert (await changed(api, root, anna["id"], role="admin")).data["role"] == "admin"
    assert (await api.call("GET", "/api/users", by=token)).status == 200


async def test_a_user_who_is_switched_off_can_do_nothing_at_once_nor_later_with_old_tokens(api: Api) -> None:
    root = await api.super_admin()
    anna = await added(api, root, "anna")
    token = await token_of(api, "anna")
    key = (await api.call("POST", "/api/keys", {"name": "a"}, by=token)).data["key"]
    await changed(api, root, anna["id"], is_active=False)
    assert [await api.works(credential) for credential in (token, key)] == [False, False]
    assert (await api.log_in("anna")).status == 401
    await changed(api, root, anna["id"], is_active=True)
    assert [await api.works(credential) for credential in (token, key)] == [False, True]


async def test_a_deleted_user_is_gone_with_tokens_and_keys_and_the_number_is_never_used_again(api: Api) -> None:
    root = await api.super_admin()
    anna = await added(api, root, "anna")
    token = await token_of(api, "anna")
    key = (await api.call("POST", "/api/keys", {"name": "a"}, by=token)).data["key"]
    assert (await api.call("DELETE", f"/api/users/{anna['id']}", by=root)).status == 204
    assert [await api.works(credential) for credential in (token, key)] == [False, False]
    again = await added(api, root, "anna")
    assert again["id"] > anna["id"]
    assert [await api.works(credential) for credential in (token, key)] == [False, False]


@pytest.mark.parametrize("role", ["admin", "super_admin"])
async def test_only_super_admins_appoint_and_dismiss_admins(api: Api, role: str) -> None:
    root = await api.super_admin()
    await added(api, root, "anna", "admin")
    bert, carl = await added(api, root, "bert", role), await added(api, root, "carl")
    for by in (await token_of(api, "anna"), ACCESS_KEY):
        assert (await changed(api, by, carl["id"], role=role)).status == 403
        assert (await changed(api, by, bert["id"], role="user")).status == 403
        assert (await changed(api, by, bert["id"], is_active=False)).status == 403
        assert (await api.call("DELETE", f"/api/users/{bert['id']}", by=by)).status == 403
        assert (await api.call("POST", "/api/invites", {"role": role}, by=by)).status == 403
        body = {"username": "dora", "email": "d@example.org", "password": PASSWORD, "role": role}
        assert (await api.call("POST", "/api/users", body, by=by)).status == 403
        assert (await changed(api, by, carl["id"], is_active=True)).status == 200


async def test_the_last_super_admin_cannot_be_lost(api: Api) -> None:
    root = await api.super_admin()
    (me,) = (await api.call("GET", "/api/users", by=root)).data
    for change in ({"role": "admin"}, {"role": "user"}, {"is_active": False}):
        answer = await changed(api, root, me["id"], **change)
        assert (answer.status, answer.error["code"]) == (409, "last_super_admin")
    assert (await api.call("DELETE", f"/api/users/{me['id']}", by=root)).status == 409
    other = await added(api, root, "other", "super_admin")
    assert (await changed(api, root, me["id"], role="user")).status == 200
    assert (await changed(api, await token_of(api, "other"), other["id"], role="user")).status == 409


async def test_of_two_super_admins_who_dismiss_each_other_at_once_one_stays(api: Api) -> None:
    root = await api.super_admin()
    other = await added(api, root, "other", "super_admin")
    first, second = root, await token_of(api, "other")
    answers = await asyncio.gather(changed(api, first, other["id"], role="user"), changed(api, second, 1, role="user"))
    assert sorted(answer.status for answer in answers) == [200, 403]  # Who has been dismissed may dismiss nobody.
    assert api.relay.state.accounts.directory.has_super_admin


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"role": "emperor"}, "role"),
        ({"role": 3}, "role"),
        ({"is_active": "yes"}, "is_active"),
        ({"email": "x"}, "email"),
        ({"username": "new"}, "username"),
        ({"limits": {"rpm": 1}}, "limits.rpm"),
        ({"password": "x"}, "password"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, change: dict[str, Any], param: str) -> None:
    root = await api.super_admin()
    answer = await changed(api, root, 1, **change)
    assert (answer.status, answer.error["param"]) == (400, param)


async def test_a_change_of_nothing_changes_nothing(api: Api) -> None:
    root = await api.super_admin()
    answer = await changed(api, root, 1)
    assert (answer.status, answer.data["role"]) == (200, "super_admin")


async def test_a_user_who_is_not_there_is_not_found(api: Api) -> None:
    root = await api.super_admin()
    for answer in (await changed(api, root, 99, role="user"), await api.call("DELETE", "/api/users/99", by=root)):
        assert (answer.status, answer.error["message"]) == (404, "There is no user 99.")
