"""/api/providers: changes of the file that keep what they are not about, and how each provider stands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.errors import Blame
from tests.formats.test_asked import JSON
from tests.web.admin.conftest import SECRET, Admin


async def names(admin: Admin) -> list[str]:
    return [one["name"] for one in (await admin.call("GET", "/api/providers")).data]


async def test_providers_are_listed_in_their_order_with_options_keys_and_state(admin: Admin) -> None:
    answer = await admin.call("GET", "/api/providers")
    up, down = answer.data
    assert (up["name"], down["name"], down["state"]) == ("up", "down", None)
    assert up["options"]["models"] == {"include": ["m"]}
    assert up["state"] == {
        "dialects": ["chat", "responses"], "in_flight": 0, "is_full": False, "rests_s": 0.0, "models": 1,
    }  # fmt: skip
    assert [(key["label"], key["key"], key["state"]["status"]) for key in up["keys"]] == [
        ("a", "sk-adm…89-1", "ready"),
        ("key-2", "sk-adm…89-2", "ready"),
    ]
    assert answer.json["metadata"]["total"] == 2
    assert answer.headers["ETag"] == (await admin.call("GET", "/api/config")).data["etag"]


async def test_a_key_that_rests_is_shown_so(admin: Admin) -> None:
    now = admin.relay.state.accounts.now()
    memory = admin.relay.state.memory.rings["up"].keys["a"]
    memory.standing.blamed(Blame.KEY_LIMITED, 300, now.timestamp(), cooldown_s=60)
    (key, _) = (await admin.call("GET", "/api/providers/up/keys")).data
    assert key["state"]["status"] == "resting"
    assert 290 < key["state"]["wait_s"] <= 300


async def test_a_provider_is_added_and_serves(admin: Admin) -> None:
    url = (await admin.call("GET", "/api/providers/up")).data["options"]["base_url"]
    body = {"name": "new", "options": {"base_url": url, "keys": [{"key": "sk-new-0123"}], "models": {"include": ["z"]}}}
    before = admin.text
    answer = await admin.call("POST", "/api/providers", body)
    assert (answer.status, answer.data["name"], answer.data["state"]["models"]) == (201, "new", 1)
    assert admin.text.startswith(before)
    called = await admin.call("POST", "/v1/chat/completions", {"model": "z", "messages": []})
    assert called.status == 200
    again = await admin.call("POST", "/api/providers", body)
    assert (again.status, again.error["code"]) == (409, "taken")


async def test_a_provider_may_be_added_in_front(admin: Admin) -> None:
    options = {"base_url": "http://127.0.0.1:9/v1", "enabled": False}
    await admin.call("POST", "/api/providers", {"name": "new", "options": options, "position": 0})
    assert await names(admin) == ["new", "up", "down"]
    assert "  # The first one.\n  up:" in admin.text


async def test_options_are_changed_and_taken_away(admin: Admin) -> None:
    before = admin.text
    patch = {"options": {"models": {"include": ["m", "q"]}, "max_parallel": 3}}
    assert (await admin.call("PATCH", "/api/providers/up", patch)).status == 200
    assert (await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": None}})).status == 200
    assert admin.text == before.replace("include: [m]", "include: [m, q]")


async def test_a_provider_is_renamed_in_place(admin: Admin) -> None:
    before = admin.text
    answer = await admin.call("PATCH", "/api/providers/up", {"name": "above"})
    assert (answer.status, answer.data["name"]) == (200, "above")
    assert admin.text == before.replace("\n  up:", "\n  above:")
    taken = await admin.call("PATCH", "/api/providers/above", {"name": "down"})
    assert taken.status == 409


async def test_a_provider_that_rules_name_can_not_go_without_them(admin: Admin) -> None:
    admin.path.write_text(admin.text + "model_routing: {provider_mapping: {'x-*': up}}\n")
    before = admin.text
    answer = await admin.call("DELETE", "/api/providers/up")
    assert (answer.status, answer.error["code"]) == (400, "bad_configuration")
    assert "there is no provider 'up'" in answer.error["message"]
    assert admin.text == before


async def test_a_provider_goes_with_its_own_comment_alone(admin: Admin) -> None:
    assert (await admin.call("DELETE", "/api/providers/up")).status == 204
    assert await names(admin) == ["down"]
    assert "# The second one.\n  down:" in admin.text
    assert "Ann's" not in admin.text
    assert (await admin.call("DELETE", "/api/providers/up")).status == 404


async def test_providers_are_put_in_another_order(admin: Admin) -> None:
    answer = await admin.call("POST", "/api/providers/order", {"names": ["down", "up"]})
    assert (answer.status, answer.data) == (200, ["down", "up"])
    assert "# The second one.\n  down:" in admin.text
    refused = await admin.call("POST", "/api/providers/order", {"names": ["down"]})
    assert refused.status == 409


async def test_a_change_may_be_held_to_a_version(admin: Admin) -> None:
    stale = await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": 3}}, If_Match='"old"')
    assert stale.status == 412
    etag = (await admin.call("GET", "/api/providers/up")).headers["ETag"]
    assert (
        await admin.call("PATCH", "/api/providers/up", {"options": {"max_parallel": 3}}, If_Match=etag)
    ).status == 200


async def test_keys_are_added_changed_and_taken_away(admin: Admin) -> None:
    added = await admin.call("POST", "/api/providers/up/keys", {"key": {"key": "sk-third-0123", "label": "c"}})
    assert (added.status, [key["label"] for key in added.data["keys"]]) == (201, ["a", "key-2", "c"])
    taken = await admin.call("POST", "/api/providers/up/keys", {"key": {"key": "sk-fourth-0123", "label": "c"}})
    assert taken.status == 409
    changed = await admin.call("PATCH", "/api/providers/up/keys/a", {"options": {"weight": 5}})
    assert (changed.status, changed.data[0]["weight"]) == (200, 5)
    assert f"key: {SECRET}-1  # Ann's" in admin.text
    assert (await admin.call("DELETE", "/api/providers/up/keys/key-2")).status == 428
    assert (await admin.call("PATCH", "/api/providers/up/keys/key-2", {"options": {}})).status == 428
    etag = changed.headers["ETag"]
    assert (await admin.call("DELETE", "/api/providers/up/keys/key-2", If_Match=etag)).status == 204
    assert [key["label"] for key in (await admin.call("GET", "/api/providers/up/keys")).data] == ["a", "c"]
    assert (await admin.call("DELETE", "/api/providers/up/keys/gone")).status == 404
    assert [line[1:] for line in await admin.audited()] == [
        ("provider_keys_added", "up"),
        ("provider_key_changed", "up/a"),
        ("provider_key_deleted", "up/key-2"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"sk-imported-one-0123\n{SECRET}-1\n# a remark\nsk-imported-two-0123\n",
        f'["sk-imported-one-0123", {{"key": "sk-imported-two-0123"}}, "{SECRET}-2"]',
        f"key,weight\nsk-imported-one-0123,1\nsk-imported-two-0123,2\n{SECRET}-1,1\n",
    ],
    ids=["lines", "JSON", "CSV"],
)
async def test_keys_are_imported_without_those_that_are_there(admin: Admin, text: str) -> None:
    answer = await admin.call("POST", "/api/providers/up/keys", {"text": text})
    assert (answer.status, len(answer.data["keys"])) == (201, 4), answer.raw
    assert (answer.data["added"], answer.data["left_out"]) == (2, 1)
    assert [admin.text.count(f"sk-imported-{name}-0123") for name in ("one", "two")] == [1, 1]
    assert admin.text.count(f"{SECRET}-1") == 1
    again = await admin.call("POST", "/api/providers/up/keys", {"text": text})
    assert (again.status, again.data["added"], again.data["left_out"]) == (200, 0, 3)


async def test_what_can_not_be_a_key_is_told_by_its_line(admin: Admin) -> None:
    before = admin.text
    answer = await admin.call("POST", "/api/providers/up/keys", {"text": "sk-good-0123456789\nno good key here €\n"})
    assert (answer.status, [one["line"] for one in answer.error["problems"]], admin.text) == (400, [2], before)


async def test_a_mask_stands_for_what_is_stored_and_for_nothing_else(admin: Admin) -> None:
    before = admin.text
    keys = (await admin.call("GET", "/api/providers/up")).data["keys"]
    options = {"keys": [{"key": key["key"], "label": key["label"]} for key in reversed(keys)]}
    assert (await admin.call("PATCH", "/api/providers/up", {"options": options})).status == 428
    etag = (await admin.call("GET", "/api/config")).data["etag"]
    assert (await admin.call("PATCH", "/api/providers/up", {"options": options}, If_Match=etag)).status == 200
    assert admin.text.index(f"{SECRET}-2") < admin.text.index(f"{SECRET}-1")
    admin.path.write_text(before)
    stolen = {"name": "mine", "options": {"base_url": "http://127.0.0.1:9/v1", "keys": [{"key": "sk-adm…89-1"}]}}
    refused = await admin.call("POST", "/api/providers", stolen)
    assert (refused.status, admin.text) == (400, before)


async def test_models_and_a_test_are_told_of_what_is_in_force(admin: Admin) -> None:
    models = await admin.call("GET", "/api/providers/up/models")
    assert [one["name"] for one in models.data] == ["m"]
    report = await admin.call("POST", "/api/providers/up/test", {})
    assert report.status == 200
    assert [(check["name"], check["verdict"]) for check in report.data["checks"]][:2] == [
        ("connect", "pass"),
        ("models", "pass"),
    ]
    assert (await admin.call("POST", "/api/providers/down/test", {})).status == 404


async def test_a_process_without_a_file_says_so(admin: Admin) -> None:
    admin.relay.state.config_desk = None
    answer = await admin.call("GET", "/api/providers")
    assert (answer.status, answer.error["code"]) == (409, "no_config_file")


ROUTES = [
    ("POST", "/api/providers"),
    ("PATCH", "/api/providers/up"),
    ("POST", "/api/providers/order"),
    ("POST", "/api/providers/up/keys"),
    ("PATCH", "/api/providers/up/keys/a"),
    ("POST", "/api/config/rollback"),
]
FIELDS = st.sampled_from(["name", "options", "position", "names", "key", "text", "version", "label"])


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(route=st.sampled_from(ROUTES), body=st.dictionaries(FIELDS, JSON, max_size=3) | JSON)
async def test_no_body_makes_a_fault_and_the_file_always_loads(admin: Admin, route: tuple[str, str], body: Any) -> None:
    answer = await admin.call(*route, body if body is not None else b"null")
    assert answer.status in (200, 201, 400, 404, 409, 428), answer.raw
    assert admin.relay.state.config_desk is not None
    await asyncio.to_thread(admin.relay.state.config_desk.source.loaded, admin.text)
