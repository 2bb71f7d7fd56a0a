"""/api/invites: made, listed and revoked."""

from __future__ import annotations

import pytest

from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import Answer, Api, Calendar
from tests.web.accounts.test_users import added, token_of


async def made(api: Api, by: str, **asked: object) -> Answer:
    answer = await api.call("POST", "/api/invites", asked, by=by)
    assert answer.status == 201, answer.raw
    return answer


async def test_a_code_is_told_once(api: Api) -> None:
    root = await api.super_admin()
    answer = await made(api, root, role="admin", expires_in=3600)
    assert answer.headers["Cache-Control"] == "no-store"
    code = answer.data.pop("code")
    assert answer.data == {
        "id": answer.data["id"],
        "role": "admin",
        "created_at": "2026-11-24T12:00:00.000Z",
        "created_by": 1,
        "expires_at": "2026-11-24T13:00:00.000Z",
        "used_at": None,
    }
    listed = await api.call("GET", "/api/invites", by=root)
    assert listed.data == [answer.data]
    assert code.encode() not in listed.raw


async def test_invites_are_listed_the_newest_first_and_tell_when_they_were_used(api: Api, calendar: Calendar) -> None:
    root = await api.super_admin()
    first = await made(api, root)
    calendar.passes(seconds=1)
    second = await made(api, ACCESS_KEY)
    calendar.passes(seconds=1)
    await api.register("anna", invite=first.data["code"])
    listed = await api.call("GET", "/api/invites", by=root)
    assert [(one["id"], one["created_by"], one["used_at"]) for one in listed.data] == [
        (second.data["id"], None, None),
        (first.data["id"], 1, "2026-11-24T12:00:02.000Z"),
    ]
    page = await api.call("GET", "/api/invites?page=2&page_size=1", by=root)
    assert ([one["id"] for one in page.data], page.json["metadata"]["total"]) == ([first.data["id"]], 2)


async def test_a_revoked_invite_makes_no_account(api: Api) -> None:
    root = await api.super_admin()
    invite = await made(api, root)
    assert (await api.call("DELETE", f"/api/invites/{invite.data['id']}", by=root)).status == 204
    assert (await api.register("anna", invite=invite.data["code"])).status == 403
    assert (await api.call("DELETE", f"/api/invites/{invite.data['id']}", by=root)).status == 404


async def test_an_admin_revokes_no_invite_that_they_may_not_make(api: Api) -> None:
    root = await api.super_admin()
    await added(api, root, "carl", "admin")
    carl = await token_of(api, "carl")
    high, low = await made(api, root, role="admin"), await made(api, root)
    for by in (carl, ACCESS_KEY):
        assert (await api.call("DELETE", f"/api/invites/{high.data['id']}", by=by)).status == 403
    assert (await api.call("DELETE", f"/api/invites/{low.data['id']}", by=carl)).status == 204


@pytest.mark.parametrize(
    "invite_id", ["1", "0123456789abcdef", "0123456789ABCDEF", "%2e%2e", "x" * 300, "%27%20OR%201"]
)
async def test_what_is_no_invite_is_not_found(api: Api, invite_id: str) -> None:
    answer = await api.call("DELETE", f"/api/invites/{invite_id}", by=await api.super_admin())
    assert (answer.status, answer.error["type"]) == (404, "invalid_request_error")
