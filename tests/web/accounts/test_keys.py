"""/api/keys: what a key may, who sees it, and when it ends."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from relay.core.accounts import keys
from relay.core.throttle import Rule
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, SECOND_PASSWORD, Api, Calendar

HELLO = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


async def made(api: Api, by: str, **more: Any) -> Any:
    answer = await api.call("POST", "/api/keys", {"name": "laptop", **more}, by=by)
    assert answer.status == 201, answer.raw
    return answer.data


async def test_a_key_is_shown_once_and_works_as_an_api_key(api: Api) -> None:
    token = await api.token()
    key = await made(api, token)
    assert key["key"].startswith("sk-mr-")
    assert len(key["key"]) == 49
    assert key["prefix"] == key["key"][:10]
    assert (key["id"], key["is_active"], key["expires_at"], key["last_used_at"]) == (1, True, None, None)
    assert key["created_at"] == "2026-11-24T12:00:00.000Z"
    assert await api.works(key["key"])
    for name in ("X-Access-Key", "x-api-key", "api-key"):
        answer = await api.call("POST", "/v1/chat/completions", HELLO, **{name.replace("-", "_"): key["key"]})
        assert answer.status == 200
    listed = await api.call("GET", "/api/keys", by=token)
    assert [one["name"] for one in listed.data] == ["laptop"]
    assert (listed.json["success"], listed.json["metadata"]["total"]) == (True, 1)
    assert key["key"].encode() not in listed.raw


async def test_a_key_belongs_to_its_user(api: Api) -> None:
    alice, eve = await api.token(), await api.token("eve")
    key = await made(api, alice)
    assert (await api.call("GET", "/api/keys", by=eve)).data == []
    for method, body in (("PATCH", {"name": "mine"}), ("DELETE", None)):
        answer = await api.call(method, f"/api/keys/{key['id']}", body, by=eve)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert await api.works(key["key"])


async def test_a_revoked_key_works_no_more_at_once(api: Api) -> None:
    token = await api.token()
    key = await made(api, token)
    assert (await api.call("DELETE", f"/api/keys/{key['id']}", by=token)).status == 204
    assert not await api.works(key["key"])
    assert (await api.call("DELETE", f"/api/keys/{key['id']}", by=token)).status == 404


async def test_a_key_can_be_switched_off_and_on(api: Api) -> None:
    token = await api.token()
    key = await made(api, token)
    for is_active in (False, True):
        answer = await api.call("PATCH", f"/api/keys/{key['id']}", {"is_active": is_active, "name": "new"}, by=token)
        assert (answer.data["is_active"], answer.data["name"]) == (is_active, "new")
        assert await api.works(key["key"]) is is_active


async def test_a_change_of_nothing_changes_nothing(api: Api) -> None:
    token = await api.token()
    key = await made(api, token)
    answer = await api.call("PATCH", f"/api/keys/{key['id']}", {}, by=token)
    assert (answer.status, answer.data["name"]) == (200, "laptop")
    assert (await api.call("PATCH", "/api/keys/99", {}, by=token)).status == 404


async def test_a_key_expires(api: Api, calendar: Calendar) -> None:
    key = await made(api, await api.token(), expires_at="2026-11-24T13:00:00+00:00")
    calendar.passes(minutes=59)
    assert await api.works(key["key"])
    calendar.passes(minutes=1)
    assert not await api.works(key["key"])


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "name", "required"),
        ({"name": ""}, "name", "at least 1"),
        ({"name": "x" * 101}, "name", "at most 100"),
        ({"name": "a\x00b"}, "name", "control characters"),
        ({"name": "a", "expires_at": "2026-11-24T12:00:00Z"}, "expires_at", "in the future"),
        ({"name": "a", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at", "a time such as"),
        ({"name": "a", "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at", "a time such as"),
        ({"name": "a", "expires_at": "tomorrow"}, "expires_at", "a time such as"),
        ({"name": "a", "expires_at": "2027-01-01T00:00:00"}, "expires_at", "timezone"),
        ({"name": "a", "expires_at": 1_800_000_000}, "expires_at", "a time such as"),
        ({"name": "a", "limits": []}, "limits", "an object"),
        ({"name": "a", "limits": {"models": "gpt-4"}}, "limits.models", "list"),
        ({"name": "a", "limits": {"models": [5]}}, "limits.models.0", "string"),
        ({"name": "a", "limits": {"models": ["x"] * 65}}, "limits.models", "at most 64"),
        ({"name": "a", "limits": {"endpoints": ["x" * 129]}}, "limits.endpoints.0", "at most 128"),
        ({"name": "a", "limits": {"rpm": 5}}, "limits.rpm", "not enforced in this release"),
        ({"name": "a", "limits": {"tpm": 5}}, "limits.tpm", "not enforced in this release"),
        ({"name": "a", "limits": {"max_parallel": 5}}, "limits.max_parallel", "not enforced in this release"),
        ({"name": "a", "limits": {"budget_usd": 5}}, "limits.budget_usd", "not enforced in this release"),
        ({"name": "a", "limits": {"budget_period": "day"}}, "limits.budget_period", "not enforced in this release"),
        ({"name": "a", "limits": {"on_disconnect": "drain"}}, "limits.on_disconnect", "not enforced in this release"),
        ({"name": "a", "limits": {"modles": []}}, "limits.modles", "no field"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], param: str, words: str) -> None:
    answer = await api.call("POST", "/api/keys", body, by=await api.token())
    assert (answer.status, answer.error["param"]) == (400, param)
    assert words in answer.error["message"]


async def test_limits_may_be_null_which_is_none(api: Api) -> None:
    limits = dict.fromkeys(["models", "endpoints", "rpm", "tpm", "max_parallel", "budget_usd", "on_disconnect"])
    key = await made(api, await api.token(), limits=limits)
    assert (key["limits"], await api.works(key["key"])) == ({"models": None, "endpoints": None}, True)


async def test_a_key_may_use_its_models_and_endpoints_and_no_others(api: Api) -> None:
    token = await api.token()
    other = await made(api, token, limits={"models": ["gpt-*"]})
    fitting = await made(api, token, limits={"models": ["gpt-*", "DEMO"], "endpoints": ["/v1/chat/*"]})
    refused = await api.call("POST", "/v1/chat/completions", HELLO, by=other["key"])
    assert (refused.status, refused.error["type"]) == (403, "permission_error")
    assert (await api.call("POST", "/v1/chat/completions", HELLO, by=fitting["key"])).status == 200
    outside = await api.call("POST", "/v1/embeddings", {"model": "demo", "input": "x"}, by=fitting["key"])
    assert (outside.status, "/v1/embeddings" in outside.error["message"]) == (403, True)
    assert (await api.call("GET", "/v1/models", by=other["key"])).json["data"] == []
    assert (await api.call("GET", "/v1/models/demo", by=other["key"])).status == 404
    assert [model["id"] for model in (await api.call("GET", "/v1/models", by=fitting["key"])).json["data"]] == ["demo"]


async def test_a_keys_limits_narrow_its_users_and_never_widen_them(api: Api) -> None:
    root, told = await api.super_admin(), (await api.register()).json
    key = await made(api, told["access_token"], limits={"models": ["*"]})
    body = {"limits": {"models": ["gpt-*"]}}
    assert (await api.call("PATCH", f"/api/users/{told['user']['id']}", body, by=root)).status == 200
    for credential in (key["key"], told["access_token"]):
        assert (await api.call("POST", "/v1/chat/completions", HELLO, by=credential)).status == 403


async def test_a_key_cannot_manage_accounts(api: Api) -> None:
    token = await api.token()
    key = await made(api, token)
    for method, path, body in (
        ("POST", "/api/keys", {"name": "more"}),
        ("GET", "/api/keys", None),
        ("DELETE", f"/api/keys/{key['id']}", None),
        ("POST", "/api/auth/change-password", {"old_password": "x", "new_password": "y"}),
        ("POST", "/api/auth/logout?all=true", None),
        ("PATCH", "/api/auth/me", {"email": "x@example.org"}),
    ):
        answer = await api.call(method, path, body, by=key["key"])
        assert (answer.status, "access token" in answer.error["message"]) == (403, True), path
    assert (await api.call("GET", "/api/auth/me", by=key["key"])).json["username"] == "alice"


async def test_the_operator_has_no_keys(api: Api) -> None:
    answer = await api.call("POST", "/api/keys", {"name": "a"}, by=ACCESS_KEY)
    assert (answer.status, answer.error["type"]) == (403, "permission_error")


async def test_the_last_use_of_a_key_is_told(api: Api, calendar: Calendar) -> None:
    token = await api.token()
    key = await made(api, token)
    calendar.passes(minutes=5)
    assert await api.works(key["key"])
    await api.relay.state.accounts.directory.look()
    listed = await api.call("GET", "/api/keys", by=token)
    assert listed.data[0]["last_used_at"] == "2026-11-24T12:05:00.000Z"


async def test_a_record_names_the_key_that_was_used(api: Api) -> None:
    key = await made(api, await api.token())
    await api.works(key["key"])
    (record,) = await api.relay.records()
    assert record.api_key == "alice/laptop"


@pytest.mark.parametrize("key_id", ["0", "99", "2147483648", "x", "1e3", "-1", "٣", "9" * 40, "1%2f..%2fusers"])
async def test_a_key_that_is_not_there_is_not_found(api: Api, key_id: str) -> None:
    answer = await api.call("DELETE", f"/api/keys/{key_id}", by=await api.token())
    assert answer.status == 404


async def test_an_api_key_makes_calls_and_nothing_else(api: Api) -> None:
    """Every route of the table but the public ones, the relayed ones and `me`; the key of a super admin."""
    root = await api.super_admin()
    secret = (await api.call("POST", "/api/keys", {"name": "k"}, by=root)).data["key"]
    named = {(route.method, route.path) for route in api.relay.front.site.routes}
    governing = {(method, path) for method, path in named if path.startswith("/api/")} - {
        ("GET", "/api/info"),
        ("GET", "/api/auth/me"),
        ("POST", "/api/explain"),
        *(("POST", f"/api/auth/{act}") for act in ("register", "login", "refresh")),
    }
    assert len(governing) >= 14
    for method, path in sorted(governing):
        answer = await api.call(method, re.sub(r"\{[^}]*\}", "1", path), {}, by=secret)
        assert answer.status == 403, (method, path)
    assert (await api.call("GET", "/api/auth/me", by=secret)).json["username"] == "root"


async def test_every_field_of_a_key_is_told(api: Api) -> None:
    token = await api.token()
    made = (await api.call("POST", "/api/keys", {"name": "k"}, by=token)).data
    secret = made.pop("key")
    assert made == {
        "id": 1,
        "name": "k",
        "prefix": secret[:10],
        "limits": {"models": None, "endpoints": None},
        "expires_at": None,
        "last_used_at": None,
        "created_at": "2026-11-24T12:00:00.000Z",
        "is_active": True,
    }


async def test_a_user_has_no_more_keys_than_that(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys.MAX_KEYS == 100
    monkeypatch.setattr(keys, "MAX_KEYS", 2)
    token = await api.token()
    statuses = [(await api.call("POST", "/api/keys", {"name": "k"}, by=token)).status for _ in range(3)]
    assert statuses == [201, 201, 409]


async def test_however_much_a_thief_has_done_the_owner_can_defend_themselves(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await api.token()
    made = (await api.call("POST", "/api/keys", {"name": "k"}, by=token)).data
    monkeypatch.setattr("relay.core.accounts.throttling.OF_ACTS", Rule(1, timedelta(minutes=10)))
    await api.call("PATCH", f"/api/keys/{made['id']}", {"name": "x"}, by=token)
    assert (await api.call("POST", "/api/keys", {"name": "k"}, by=token)).status == 429
    assert (await api.call("DELETE", f"/api/keys/{made['id']}", by=token)).status == 204
    body = {"old_password": PASSWORD, "new_password": SECOND_PASSWORD}
    assert (await api.call("POST", "/api/auth/change-password", body, by=token)).status == 204
    assert (await api.call("POST", "/api/auth/logout?all=true", by=token)).status == 204
