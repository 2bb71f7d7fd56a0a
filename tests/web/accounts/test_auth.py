"""Registering, logging in, refreshing, logging out: each sentence of the contract in docs/accounts.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relay.store import sessions
from relay.web.answers import UNAUTHORIZED_BODY
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, SECOND_PASSWORD, Answer, Api, Calendar
from tests.web.accounts.conftest import StartApi


def is_refused(answer: Answer) -> bool:
    return (answer.status, answer.raw) == (401, UNAUTHORIZED_BODY)


# Registering


async def test_a_registration_gives_tokens_and_the_user(api: Api) -> None:
    answer = await api.register("Alice.B-c_1")
    told = answer.json
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert (told["token_type"], told["expires_in"], told["refresh_expires_in"]) == ("bearer", 3600, 604_800)
    assert told["user"] == {
        "id": 1,
        "username": "Alice.B-c_1",
        "email": "Alice.B-c_1@example.org",
        "role": "user",
        "is_admin": False,
        "is_super_admin": False,
        "created_at": "2026-11-24T12:00:00.000Z",
    }
    assert await api.works(told["access_token"])


@pytest.mark.parametrize(
    ("name", "email", "param"),
    [("ALICE", "other@example.org", "username"), ("other", "Alice@Example.org", "email")],
)
async def test_names_and_addresses_are_taken_whatever_their_case(api: Api, name: str, email: str, param: str) -> None:
    await api.register()
    answer = await api.register(name, email=email)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (409, param, "taken")


@pytest.mark.parametrize("name", ["cli", "CLI", "access-key", "Access-Key"])
async def test_nobody_is_called_like_the_operator(api: Api, name: str) -> None:
    answer = await api.register(name)
    assert (answer.status, answer.error["param"]) == (409, "username")


async def test_under_approval_an_account_waits_for_an_admin(start_api: StartApi) -> None:
    api = await start_api(registration="approval")
    root = await api.super_admin()
    answer = await api.register()
    assert (answer.status, answer.json["status"], answer.json["user"]["username"]) == (201, "pending", "alice")
    assert "access_token" not in answer.json
    refused = await api.log_in()
    assert (refused.status, refused.error["message"]) == (401, "Incorrect username or password")
    approved = await api.call("PATCH", f"/api/users/{answer.json['user']['id']}", {"is_active": True}, by=root)
    assert (approved.status, approved.data["is_active"]) == (200, True)
    assert (await api.log_in()).status == 200


@pytest.mark.parametrize("mode", ["invite", "closed"])
async def test_nobody_registers_where_registration_is_closed(start_api: StartApi, mode: str) -> None:
    api = await start_api(registration=mode)
    answer = await api.register()
    assert (answer.status, answer.error["type"]) == (403, "permission_error")


async def test_an_invite_makes_one_account_with_its_role(start_api: StartApi) -> None:
    api = await start_api(registration="invite")
    root = await api.super_admin()
    invite = await api.call("POST", "/api/invites", {"role": "admin", "expires_in": 3600}, by=root)
    assert (invite.status, invite.data["role"], invite.data["expires_at"]) == (201, "admin", "2026-11-24T13:00:00.000Z")
    first = await api.register("one", invite=invite.data["code"])
    assert (first.status, first.json["user"]["role"]) == (201, "admin")
    assert (await api.register("two", invite=invite.data["code"])).status == 403


async def test_an_invite_is_good_for_its_time(start_api: StartApi, calendar: Calendar) -> None:
    api = await start_api(registration="invite")
    root = await api.super_admin()
    invite = await api.call("POST", "/api/invites", {"expires_in": 60}, by=root)
    calendar.passes(seconds=60)
    assert (await api.register(invite=invite.data["code"])).status == 403


@pytest.mark.parametrize("mode", ["open", "approval", "invite", "closed"])
async def test_the_set_up_token_makes_the_first_super_admin_and_no_second(start_api: StartApi, mode: str) -> None:
    api = await start_api(registration=mode)
    token = api.relay.state.accounts.set_up.text
    assert (await api.register("nobody", setup_token=f"{token}x")).status == 403
    answer = await api.register("root", setup_token=token)
    assert (answer.status, answer.json["user"]["role"]) == (201, "super_admin")
    assert (await api.register("other", setup_token=token)).status == 403


async def test_the_access_key_makes_the_first_super_admin_and_then_users(api: Api) -> None:
    assert (await api.register("root", by=ACCESS_KEY)).json["user"]["role"] == "super_admin"
    assert (await api.register("other", by=ACCESS_KEY)).json["user"]["role"] == "user"


async def test_nobody_else_becomes_super_admin_by_being_first(api: Api) -> None:
    assert (await api.register()).json["user"]["role"] == "user"


async def test_an_address_that_registers_again_and_again_waits(api: Api, calendar: Calendar) -> None:
    statuses = [(await api.register(f"user{number}")).status for number in range(21)]
    assert statuses == [201] * 20 + [429]
    refused = await api.register("one-more")
    assert (refused.headers["Retry-After"], refused.error["type"]) == ("2", "rate_limit_error")
    assert (await api.register("root", by=ACCESS_KEY)).status == 201  # The operator is no stranger.
    assert (await api.log_in("user1")).status == 200
    calendar.passes(seconds=2)
    assert (await api.register("one-more")).status == 201


async def test_invites_that_are_none_count_as_registrations(start_api: StartApi) -> None:
    api = await start_api(registration="invite")
    statuses = [(await api.register("alice", invite=f"guess-{number}")).status for number in range(21)]
    assert statuses == [403] * 20 + [429]


@pytest.mark.parametrize(
    ("changed", "param", "words"),
    [
        ({"username": "ab"}, "username", "3 to 50"),
        ({"username": "a" * 51}, "username", "3 to 50"),
        ({"username": "a b c"}, "username", "letters, digits"),
        ({"username": "alice\n"}, "username", "letters, digits"),
        ({"username": "älice"}, "username", "letters, digits"),
        ({"username": 5}, "username", "string"),
        ({"username": None}, "username", "string"),
        ({"email": "alice"}, "email", "e-mail address"),
        ({"email": "a@b@example.org"}, "email", "e-mail address"),
        ({"email": "a" * 250 + "@example.org"}, "email", "255"),
        ({"email": "\u0390" * 31 + "@" + ("a" * 60 + ".") * 3 + "org"}, "email", "255"),
        ({"email": "alice@example.org\r\nBcc: x@example.org"}, "email", "e-mail address"),
        ({"password": "short12"}, "password", "8 to 128"),
        ({"password": "x" * 129}, "password", "8 to 128"),
        ({"password": "password1"}, "password", "common"),
        ({"password": "PassWord"}, "password", "common"),
        ({"password": "alice@example.org"}, "password", "name or the e-mail"),
        ({"password": ["a"]}, "password", "string"),
        ({"invite": ""}, "invite", "at least 1"),
        ({"is_admin": True}, "is_admin", "no field"),
        ({"role": "super_admin"}, "role", "no field"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, changed: dict[str, Any], param: str, words: str) -> None:
    body = {"username": "alice", "email": "alice@example.org", "password": PASSWORD, **changed}
    answer = await api.call("POST", "/api/auth/register", body)
    assert (answer.status, answer.error["type"], answer.error["param"]) == (400, "invalid_request_error", param)
    assert words in answer.error["message"]
    assert param in answer.error["message"]


@pytest.mark.parametrize("field", ["username", "email", "password"])
async def test_what_is_missing_is_named(api: Api, field: str) -> None:
    body = {"username": "alice", "email": "alice@example.org", "password": PASSWORD}
    del body[field]
    answer = await api.call("POST", "/api/auth/register", body)
    assert (answer.status, answer.error["message"], answer.error["param"]) == (400, f"'{field}' is required.", field)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 2000, b'{"username": NaN}'])
async def test_a_body_that_is_no_object_is_a_bad_request(api: Api, raw: bytes) -> None:
    answer = await api.call("POST", "/api/auth/register", raw)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


async def test_no_error_shows_a_password(api: Api) -> None:
    answer = await api.register(password="short12", surprise="hunter2-canary")
    assert b"short12" not in answer.raw
    assert b"hunter2-canary" not in answer.raw


# Logging in


async def test_a_log_in_is_by_name_or_address_in_any_case(api: Api) -> None:
    await api.register()
    for login in ("alice", "ALICE", "Alice@Example.ORG"):
        answer = await api.log_in(login)
        assert (answer.status, answer.json["user"]["username"]) == (200, "alice")


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong password"), ("nobody", PASSWORD), ("nobody", "")])
async def test_unknown_and_wrong_are_one(api: Api, name: str, password: str) -> None:
    await api.register()
    answer = await api.log_in(name, password)
    expected = {"error": {"message": "Incorrect username or password", "type": "auth_error"}}
    assert (answer.status, answer.json) == (401, expected)


async def test_passwords_are_one_however_their_letters_are_composed(api: Api) -> None:
    await api.register(password="motörhead is löud")
    assert (await api.log_in(password="moto\u0308rhead is lo\u0308ud")).status == 200


async def test_all_of_a_long_password_counts(api: Api) -> None:
    await api.register(password="x" * 100 + "a")
    assert (await api.log_in(password="x" * 100 + "b")).status == 401
    assert (await api.log_in(password="x" * 100 + "a")).status == 200


async def test_after_ten_failures_an_account_waits_and_longer_each_time(api: Api, calendar: Calendar) -> None:
    await api.register()
    for _ in range(10):
        assert (await api.log_in(password="wrong password")).status == 401
    waits = []
    for _ in range(3):
        answer = await api.log_in()
        waits.append(int(answer.headers["Retry-After"]))
        assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
        calendar.passes(seconds=waits[-1])
        assert (await api.log_in(password="wrong password")).status == 401
    assert waits == [2, 4, 8]
    calendar.passes(seconds=16)
    assert (await api.log_in()).status == 200
    assert (await api.log_in()).status == 200


async def test_failures_are_forgotten_after_a_while(api: Api, calendar: Calendar) -> None:
    await api.register()
    for _ in range(9):
        await api.log_in(password="wrong password")
    calendar.passes(minutes=16)
    for _ in range(9):
        assert (await api.log_in(password="wrong password")).status == 401


async def test_an_address_that_guesses_at_many_accounts_waits_too(api: Api) -> None:
    statuses = [(await api.log_in(f"user{number}", "wrong password")).status for number in range(31)]
    assert statuses == [401] * 30 + [429]


# Refreshing


async def test_a_refresh_gives_new_tokens_of_the_same_user(api: Api) -> None:
    first = (await api.register()).json
    answer = await api.refresh(first["refresh_token"])
    assert (answer.status, answer.json["user"]) == (200, first["user"])
    assert answer.json["refresh_token"] != first["refresh_token"]
    assert await api.works(answer.json["access_token"])


async def test_a_repeat_within_ten_seconds_gets_the_same_successor(api: Api, calendar: Calendar) -> None:
    first = (await api.register()).json["refresh_token"]
    second = (await api.refresh(first)).json["refresh_token"]
    calendar.passes(seconds=10)
    again = await api.refresh(first)
    assert (again.status, again.json["refresh_token"]) == (200, second)
    assert (await api.refresh(second)).status == 200


async def test_a_token_that_is_used_again_later_ends_the_whole_session(api: Api, calendar: Calendar) -> None:
    first = (await api.register()).json
    second = (await api.refresh(first["refresh_token"])).json
    calendar.passes(seconds=11)
    assert is_refused(await api.refresh(first["refresh_token"]))
    assert is_refused(await api.refresh(second["refresh_token"]))
    assert not await api.works(second["access_token"])
    assert (await api.log_in()).status == 200


async def test_a_session_lasts_as_long_as_it_is_refreshed(api: Api, calendar: Calendar) -> None:
    token = (await api.register()).json["refresh_token"]
    for _ in range(3):
        calendar.passes(days=6)
        answer = await api.refresh(token)
        assert answer.status == 200
        token = answer.json["refresh_token"]
    calendar.passes(days=7)
    assert is_refused(await api.refresh(token))


@pytest.mark.parametrize("token", ["x", "a" * 43, "é", "a" * 200, "\0"])
async def test_what_is_no_refresh_token_is_refused(api: Api, token: str) -> None:
    assert is_refused(await api.refresh(token))


async def test_an_access_token_refreshes_nothing_and_the_other_way_round(api: Api) -> None:
    told = (await api.register()).json
    assert (await api.refresh(told["access_token"])).status in (400, 401)
    assert not await api.works(told["refresh_token"])


# Ends


async def test_an_access_token_expires(api: Api, calendar: Calendar) -> None:
    token = await api.token()
    calendar.passes(seconds=3609)
    assert await api.works(token)
    calendar.passes(seconds=1)
    assert not await api.works(token)


async def test_a_log_out_ends_the_session_at_once_and_no_other(api: Api) -> None:
    first, second = (await api.register()).json, (await api.log_in()).json
    answer = await api.call("POST", "/api/auth/logout", by=first["access_token"])
    assert (answer.status, answer.raw) == (204, b"")
    assert not await api.works(first["access_token"])
    assert is_refused(await api.refresh(first["refresh_token"]))
    assert await api.works(second["access_token"])


async def test_a_log_out_can_end_another_session_of_the_same_user_alone(api: Api) -> None:
    mine, other, hers = (await api.register()).json, (await api.log_in()).json, (await api.register("eve")).json
    for told in (other, hers):
        body = {"refresh_token": told["refresh_token"]}
        assert (await api.call("POST", "/api/auth/logout", body, by=mine["access_token"])).status == 204
        mine = (await api.log_in()).json
    assert not await api.works(other["access_token"])
    assert await api.works(hers["access_token"])


async def test_all_sessions_can_be_ended(api: Api) -> None:
    tokens = [(await api.register()).json["access_token"], (await api.log_in()).json["access_token"]]
    assert (await api.call("POST", "/api/auth/logout?all=true", by=tokens[0])).status == 204
    assert [await api.works(token) for token in tokens] == [False, False]


async def test_a_password_change_ends_every_other_session(api: Api) -> None:
    first, second = (await api.register()).json, (await api.log_in()).json
    body = {"old_password": PASSWORD, "new_password": SECOND_PASSWORD}
    assert (await api.call("POST", "/api/auth/change-password", body, by=first["access_token"])).status == 204
    assert (await api.works(first["access_token"]), await api.works(second["access_token"])) == (True, False)
    assert ((await api.log_in()).status, (await api.log_in(password=SECOND_PASSWORD)).status) == (401, 200)


@pytest.mark.parametrize(
    ("old", "new", "param"), [("wrong one", SECOND_PASSWORD, "old_password"), (PASSWORD, "short12", "new_password")]
)
async def test_a_password_change_that_is_refused_changes_nothing(api: Api, old: str, new: str, param: str) -> None:
    token = await api.token()
    answer = await api.call("POST", "/api/auth/change-password", {"old_password": old, "new_password": new}, by=token)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert (await api.log_in()).status == 200


async def test_a_stolen_access_token_does_not_find_the_password(api: Api) -> None:
    token = await api.token()
    statuses = []
    for _ in range(11):
        body = {"old_password": "wrong one", "new_password": SECOND_PASSWORD}
        statuses.append((await api.call("POST", "/api/auth/change-password", body, by=token)).status)
    assert statuses == [400] * 10 + [429]
    assert (await api.log_in()).status == 429  # It is one count: whoever guesses here has guessed there.


@pytest.mark.parametrize("end", ["password", "deactivation", "deletion", "all", "one"])
async def test_what_ends_a_session_ends_its_refresh_token_and_is_told_as_nothing_else(api: Api, end: str) -> None:
    root = await api.super_admin()
    told, other = (await api.register()).json, (await api.log_in()).json
    if end == "password":
        body = {"old_password": PASSWORD, "new_password": SECOND_PASSWORD}
        await api.call("POST", "/api/auth/change-password", body, by=other["access_token"])
    elif end == "deactivation":
        await api.call("PATCH", f"/api/users/{told['user']['id']}", {"is_active": False}, by=root)
    elif end == "deletion":
        await api.call("DELETE", f"/api/users/{told['user']['id']}", by=root)
    elif end == "all":
        await api.call("POST", "/api/auth/logout?all=true", by=other["access_token"])
    else:
        await api.call("POST", "/api/auth/logout", by=told["access_token"])
    assert is_refused(await api.refresh(told["refresh_token"]))
    call = {"model": "demo", "messages": []}
    answer = await api.call("POST", "/v1/chat/completions", call, by=told["access_token"])
    assert is_refused(answer)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_of_too_many_sessions_the_oldest_end(
    api: Api, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sessions.MAX_SESSIONS == 100
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    tokens = [(await api.register()).json["refresh_token"]]
    for _ in range(3):
        calendar.passes(seconds=1)
        tokens.append((await api.log_in()).json["refresh_token"])
    assert [(await api.refresh(token)).status for token in tokens] == [401, 200, 200, 200]


async def test_of_two_refreshes_at_once_both_get_the_same_successor(api: Api) -> None:
    token = (await api.register()).json["refresh_token"]
    answers = await asyncio.gather(*(api.refresh(token) for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1


async def test_of_two_registrations_with_one_code_at_once_one_is_made(start_api: StartApi) -> None:
    api = await start_api(registration="invite")
    root = await api.super_admin()
    code = (await api.call("POST", "/api/invites", {}, by=root)).data["code"]
    answers = await asyncio.gather(*(api.register(f"user{number}", invite=code) for number in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 403, 403, 403]


async def test_names_that_are_taken_are_not_told_where_nobody_may_register(start_api: StartApi) -> None:
    api = await start_api(registration="closed")
    await api.super_admin()
    assert {(await api.register(name)).status for name in ("root", "access-key", "other")} == {403}


async def test_tokens_live_as_long_as_the_configuration_says(start_api: StartApi, calendar: Calendar) -> None:
    api = await start_api(access_token_ttl=60, refresh_token_ttl=120)
    told = (await api.register()).json
    assert (told["expires_in"], told["refresh_expires_in"]) == (60, 120)
    calendar.passes(seconds=70)
    assert not await api.works(told["access_token"])
    calendar.passes(seconds=50)
    assert is_refused(await api.refresh(told["refresh_token"]))


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("login", {}, "username"),
        ("login", {"username": "a"}, "password"),
        ("login", {"username": 5, "password": "x"}, "username"),
        ("login", {"username": "a", "password": None}, "password"),
        ("refresh", {}, "refresh_token"),
        ("refresh", {"refresh_token": 5}, "refresh_token"),
        ("refresh", {"refresh_token": "x" * 201}, "refresh_token"),
        ("logout", {"refresh_token": []}, "refresh_token"),
        ("change-password", {"old_password": "x"}, "new_password"),
        ("change-password", {"old_password": "x", "new_password": 1}, "new_password"),
    ],
)
async def test_what_is_wrong_with_the_other_bodies_is_named_too(
    api: Api, path: str, body: dict[str, Any], param: str
) -> None:
    answer = await api.call("POST", f"/api/auth/{path}", body, by=await api.token())
    assert (answer.status, answer.error["type"], answer.error["param"]) == (400, "invalid_request_error", param)


@pytest.mark.parametrize("header", ["api-key", "X-Access-Key", "x-api-key"])
async def test_an_access_token_is_good_in_every_header(api: Api, header: str) -> None:
    answer = await api.call("GET", "/api/auth/me", **{header.replace("-", "_"): await api.token()})
    assert (answer.status, answer.json["username"]) == (200, "alice")


# Oneself


async def test_one_sees_oneself(api: Api) -> None:
    told = (await api.register()).json
    answer = await api.call("GET", "/api/auth/me", by=told["access_token"])
    assert (answer.status, answer.json) == (200, told["user"])


async def test_the_operator_has_no_account(api: Api) -> None:
    answer = await api.call("GET", "/api/auth/me", by=ACCESS_KEY)
    assert (answer.status, answer.json["id"], answer.json["is_admin"], answer.json["is_super_admin"]) == (
        200,
        None,
        True,
        False,
    )
    changed = await api.call("PATCH", "/api/auth/me", {"email": "x@example.org"}, by=ACCESS_KEY)
    assert (changed.status, changed.error["type"]) == (403, "permission_error")


async def test_one_may_change_ones_address(api: Api) -> None:
    await api.register("bob")
    token = await api.token()
    answer = await api.call("PATCH", "/api/auth/me", {"email": "new@example.org"}, by=token)
    assert (answer.status, answer.json["email"]) == (200, "new@example.org")
    assert (await api.log_in("new@example.org")).status == 200
    taken = await api.call("PATCH", "/api/auth/me", {"email": "BOB@example.org"}, by=token)
    assert (taken.status, taken.error["param"]) == (409, "email")
