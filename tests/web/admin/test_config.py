"""/api/config: what admins see of the file, and how they change it without overwriting one another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.test_asked import JSON
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD
from tests.web.admin.conftest import SECRET, Admin


async def test_the_file_is_shown_without_its_secrets_and_with_its_tag(admin: Admin) -> None:
    answer = await admin.call("GET", "/api/config")
    assert answer.status == 200
    assert "# The operator's own words." in answer.data["text"]
    assert answer.data["document"]["providers"]["up"]["keys"][0]["key"] == "sk-adm…89-1"
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == (answer.data["etag"], "no-store")
    assert (answer.data["is_in_force"], answer.data["problems"], answer.data["waiting_for_restart"]) == (True, [], [])


async def test_what_was_shown_and_changed_comes_into_force_and_keeps_all_else(admin: Admin) -> None:
    shown, before = await admin.call("GET", "/api/config"), admin.text
    text = shown.data["text"].replace("include: [m]", "include: [m, extra]")
    answer = await admin.call("PUT", "/api/config", {"text": text}, If_Match=shown.data["etag"])
    assert (answer.status, answer.data["is_in_force"]) == (200, True)
    assert admin.text == before.replace("include: [m]", "include: [m, extra]")
    models = await admin.call("GET", "/v1/models")
    assert [model["id"] for model in models.json["data"]] == ["m", "extra"]
    assert (await admin.audited())[-1] == ("access-key", "config_replaced", "config")


async def test_a_document_changes_the_text_where_it_differs(admin: Admin) -> None:
    shown, before = await admin.call("GET", "/api/config"), admin.text
    document = shown.data["document"]
    document["providers"]["up"]["models"]["include"] = ["m", "extra"]
    answer = await admin.call("PUT", "/api/config", {"document": document}, If_Match=shown.data["etag"])
    assert answer.status == 200, answer.raw
    assert admin.text == before.replace("include: [m]", "include: [m, extra]")


async def test_of_two_editors_the_second_is_told(admin: Admin) -> None:
    shown = (await admin.call("GET", "/api/config")).data
    texts = [shown["text"].replace("include: [m]", f"include: [m, {name}]") for name in ("one", "two")]
    calls = [admin.call("PUT", "/api/config", {"text": text}, If_Match=shown["etag"]) for text in texts]
    found = sorted([answer.status for answer in await asyncio.gather(*calls)])
    assert found == [200, 412]


async def test_an_editor_beside_the_relay_is_not_overwritten_either(admin: Admin) -> None:
    shown = (await admin.call("GET", "/api/config")).data
    admin.path.write_text(admin.text + "# by hand\n")
    answer = await admin.call("PUT", "/api/config", {"text": shown["text"]}, If_Match=shown["etag"])
    assert (answer.status, answer.error["code"]) == (412, "stale_version")
    assert admin.text.endswith("# by hand\n")


async def test_a_change_must_say_of_what(admin: Admin) -> None:
    answer = await admin.call("PUT", "/api/config", {"text": ""})
    assert (answer.status, answer.error["code"]) == (428, "version_required")


async def test_a_bad_configuration_is_told_whole_and_not_saved(admin: Admin) -> None:
    shown, before = (await admin.call("GET", "/api/config")).data, admin.text
    text = shown["text"].replace("host: 127.0.0.1", "host: 127.0.0.1\n  port: many\n  unheard_of: 1")
    answer = await admin.call("PUT", "/api/config", {"text": text}, If_Match=shown["etag"])
    assert (answer.status, answer.error["code"]) == (400, "bad_configuration")
    assert [(one["line"], one["path"]) for one in answer.error["problems"]] == [
        (4, "server.port"),
        (5, "server.unheard_of"),
    ]
    assert admin.text == before
    checked = await admin.call("POST", "/api/config/check", {"text": text})
    assert (checked.status, checked.data["is_good"], len(checked.data["problems"])) == (200, False, 2)


async def test_a_good_one_is_checked_with_its_warnings_and_nothing_changes(admin: Admin) -> None:
    shown, before = (await admin.call("GET", "/api/config")).data, admin.text
    answer = await admin.call("POST", "/api/config/check", {"text": shown["text"]})
    assert (answer.data["is_good"], answer.data["problems"]) == (True, [])
    assert any("Anybody can register" in warning for warning in answer.data["warnings"])
    assert (admin.text, await admin.audited()) == (before, [])


@pytest.mark.parametrize("body", [{}, {"text": "", "document": {}}, {"text": 1}, {"text": "", "more": 1}])
async def test_a_body_is_one_of_two(admin: Admin, body: dict[str, Any]) -> None:
    answer = await admin.call("PUT", "/api/config", body, If_Match='"x"')
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


async def test_versions_are_kept_shown_and_brought_back(admin: Admin) -> None:
    first = admin.text
    shown = (await admin.call("GET", "/api/config")).data
    text = shown["text"].replace("include: [m]", "include: [x]")
    await admin.call("PUT", "/api/config", {"text": text}, If_Match=shown["etag"])
    kept = (await admin.call("GET", "/api/config/history")).data
    assert [one["is_in_force"] for one in kept] == [True, False]
    old = await admin.call("GET", f"/api/config/history/{kept[1]['version']}")
    assert old.data["text"] == shown["text"]
    body = {"version": kept[1]["version"]}
    unheld = await admin.call("POST", "/api/config/rollback", body)
    assert (unheld.status, unheld.error["code"]) == (428, "version_required")
    answer = await admin.call("POST", "/api/config/rollback", body, If_Match=old.headers.get("ETag", kept[0]["etag"]))
    assert (answer.status, answer.data["is_in_force"], admin.text) == (200, True, first)
    assert (await admin.audited())[-1][1] == "config_rolled_back"


@pytest.mark.parametrize("version", ["x", "..%2Fconfig.yml", "20260101T000000.000000Z-" + "0" * 64 + ".yml"])
async def test_a_version_that_is_not_kept_is_not_found(admin: Admin, version: str) -> None:
    assert (await admin.call("GET", f"/api/config/history/{version}")).status == 404


async def test_a_file_that_is_bad_is_shown_with_what_is_wrong(admin: Admin) -> None:
    admin.path.write_text(admin.text.replace("bcrypt_cost: 4", "bcrypt_cost: 4, unheard_of: 1"))
    await admin.reloader.reload()
    answer = await admin.call("GET", "/api/config")
    assert answer.data["is_in_force"] is False
    assert [one["path"] for one in answer.data["problems"]] == ["auth.unheard_of"]


BROKEN = {"a fault of YAML": "\tbroken: [\n", "a name that may be a secret": "access_key:sk-foo-bar-baz: 1\n"}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("way", ["text", "document", "rollback"])
async def test_a_file_that_can_not_be_shown_is_told_and_replaced(admin: Admin, what: str, way: str) -> None:
    good, before = (await admin.call("GET", "/api/config")).data, admin.text
    admin.path.write_text(before + BROKEN[what])
    await admin.reloader.reload()
    shown = await admin.call("GET", "/api/config")
    assert (shown.status, shown.data["text"], shown.data["document"]) == (200, None, None)
    assert shown.data["problems"]
    assert (await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": 2}})).status == 400
    if way == "rollback":
        version = (await admin.call("GET", "/api/config/history")).data[0]["version"]
        body = {"version": version}
        answer = await admin.call("POST", "/api/config/rollback", body, If_Match=shown.data["etag"])
    else:
        answer = await admin.call("PUT", "/api/config", {way: good[way]}, If_Match=shown.data["etag"])
    assert (answer.status, answer.data["is_in_force"], admin.text) == (200, True, before)


async def test_masks_stand_for_nothing_where_neither_the_file_nor_a_version_can_be_read(admin: Admin) -> None:
    good = (await admin.call("GET", "/api/config")).data
    for kept in (await admin.call("GET", "/api/config/history")).data:
        (admin.path.parent / "versions" / kept["version"]).unlink()
    admin.path.write_text("a: [")
    etag = (await admin.call("GET", "/api/config")).data["etag"]
    answer = await admin.call("PUT", "/api/config", {"text": good["text"]}, If_Match=etag)
    assert (answer.status, admin.text) == (400, "a: [")
    assert "write the secret itself" in answer.error["message"]


async def test_a_text_of_more_than_a_mebibyte_is_for_an_editor(admin: Admin) -> None:
    admin.path.write_text(admin.text + "#" * 2**20 + "\n")
    shown = (await admin.call("GET", "/api/config")).data
    assert shown["text"] is None
    assert "edit it by hand" in shown["problems"][0]["message"]
    refused = await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": 2}})
    assert (refused.status, "edit it by hand" in refused.error["message"]) == (400, True)


@pytest.mark.parametrize(
    ("tags", "status"), [("W/{}", 412), ('"x", {}', 200), ('"x","y"', 412), ("{} and more", 412), ("x", 412)]
)
async def test_if_match_is_a_list_of_strong_tags(admin: Admin, tags: str, status: int) -> None:
    shown = (await admin.call("GET", "/api/config")).data
    sent = tags.format(shown["etag"])
    assert (await admin.call("PUT", "/api/config", {"text": shown["text"]}, If_Match=sent)).status == status


async def test_a_file_that_can_not_be_written_is_told_with_its_reason(admin: Admin) -> None:
    (admin.path.parent / ".config.yml.lock").mkdir()
    answer = await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": 2}})
    assert (answer.status, answer.error["code"]) == (500, "config_not_saved")
    assert "can't be saved" in answer.error["message"]
    assert [line[1] for line in await admin.audited()] == ["provider_changed", "provider_changed_failed"]


ALIAS = ("access_key: ", "access_key: &k ", "up:\n    base_url", "up:\n    headers: {x-it: *k}\n    base_url")


async def test_no_admin_carries_the_access_key_away_by_an_alias(admin: Admin) -> None:
    ann = await admin.plain_admin(await admin.api.super_admin())
    shown, before = (await admin.call("GET", "/api/config", by=ann)).data, admin.text
    text = shown["text"].replace(*ALIAS[:2], 1).replace(*ALIAS[2:], 1)
    refused = await admin.call("PUT", "/api/config", {"text": text}, by=ann, If_Match=shown["etag"])
    assert (refused.status, admin.text) == (403, before)


CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "/api/config", {"text": "# nothing"}),
    ("POST", "/api/config/check", {"text": "providers: {x: {headers: {x-it: 'file:/etc/passwd'}}}"}),
    ("POST", "/api/config/rollback", {"version": "x"}),
    ("POST", "/api/providers", {"name": "new", "options": {"base_url": "http://127.0.0.1:9/v1"}}),
    ("PATCH", "/api/providers/up", {"options": {"base_url": "http://127.0.0.1:9/v1"}}),
    ("DELETE", "/api/providers/up", None),
    ("POST", "/api/providers/order", {"names": ["down", "up"]}),
    ("POST", "/api/providers/up/keys", {"text": "sk-another-0123456789"}),
    ("PATCH", "/api/providers/up/keys/a", {"options": {"weight": 2}}),
    ("DELETE", "/api/providers/up/keys/a", None),
]
"""Everything that changes or tries something of the configuration."""


@pytest.mark.parametrize("who", ["an admin", "the access key"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[0]} {change[1]}")
async def test_once_there_is_a_super_admin_nobody_else_changes_anything(
    admin: Admin, change: tuple[str, str, Any], who: str
) -> None:
    root, before = await admin.api.super_admin(), admin.text
    by = await admin.plain_admin(root) if who == "an admin" else ACCESS_KEY
    etag, lines = (await admin.call("GET", "/api/config", by=by)).data["etag"], len(await admin.audited())
    refused = await admin.call(*change, by=by, If_Match=etag)
    assert (refused.status, admin.text) == (403, before), refused.raw
    assert "Only a super admin" in refused.error["message"]
    assert len(await admin.audited()) == lines
    allowed = await admin.call(*change, by=root, If_Match=etag)
    assert allowed.status != 403, allowed.raw


async def test_admins_look_at_everything_and_test_providers(admin: Admin) -> None:
    ann = await admin.plain_admin(await admin.api.super_admin())
    for path in ("config", "config/history", "providers", "providers/up", "providers/up/keys", "providers/up/models"):
        assert (await admin.call("GET", f"/api/{path}", by=ann)).status == 200, path
    assert (await admin.call("POST", "/api/providers/up/test", {}, by=ann)).status == 200


async def test_users_and_strangers_see_nothing_of_it(admin: Admin) -> None:
    token = await admin.api.token()
    for method, path in (("GET", "/api/config"), ("GET", "/api/config/history"), ("GET", "/api/providers")):
        assert (await admin.call(method, path, by=token)).status == 403
        assert (await admin.api.call(method, path)).status == 401


async def test_who_is_no_super_admin_any_more_changes_nothing(admin: Admin) -> None:
    root, before = await admin.api.super_admin(), admin.text
    made = {"username": "eve", "email": "eve@example.org", "password": PASSWORD, "role": "super_admin"}
    eve = (await admin.call("POST", "/api/users", made, by=root)).data
    token = (await admin.api.log_in("eve")).json["access_token"]
    await admin.call("PATCH", f"/api/users/{eve['id']}", {"role": "admin"}, by=root)
    answer = await admin.call("DELETE", "/api/providers/up", by=token)
    assert (answer.status, admin.text) == (403, before)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.dictionaries(st.sampled_from(["text", "document"]), JSON | st.text(max_size=60), max_size=2)
    | st.fixed_dictionaries({"document": st.dictionaries(st.sampled_from(["server", "providers", "x"]), JSON)})
)
async def test_no_body_makes_a_fault_or_shows_a_secret(admin: Admin, body: dict[str, Any]) -> None:
    answer = await admin.call("POST", "/api/config/check", body)
    assert answer.status in (200, 400), answer.raw
    put = await admin.call("PUT", "/api/config", body, If_Match='"not-this"')
    assert put.status in (400, 412), put.raw
    assert SECRET in admin.text
    assert ACCESS_KEY in admin.text
