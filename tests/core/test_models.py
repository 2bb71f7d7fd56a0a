from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from relay.core.models import ModelList
from relay.core.routing import AliasRule, Catalog, Place, Rules
from relay.model import Dialect, Limits, Principal, Role
from relay.upstream.listed_model import ListedModel

CHAT = frozenset({Dialect.CHAT})
SINCE = datetime(2026, 7, 1, 12, 30, 15, 999_999, tzinfo=UTC)
CREATED = 1_782_909_015
CATALOG = Catalog(
    (Place("one", CHAT, ("GPT-5", "shared")), Place("two", CHAT, ("shared", "meta/llama"))),
    Rules({"Fast": AliasRule(("GPT-5",)), "shared": AliasRule(("GPT-5",))}),
)
MODELS = ModelList(CATALOG, SINCE)
EMPTY = ModelList(Catalog((), Rules({})), SINCE)


def test_the_list_has_openais_form() -> None:
    one = {"id": "GPT-5", "object": "model", "created": CREATED, "owned_by": "one"}
    listed = MODELS.openai()
    assert (listed["object"], listed["data"][0]) == ("list", one)


def test_the_list_has_each_name_once_models_before_aliases() -> None:
    assert [one["id"] for one in MODELS.openai()["data"]] == ["GPT-5", "shared", "meta/llama", "Fast"]


def test_a_model_is_owned_by_its_first_provider_and_an_alias_by_the_relay() -> None:
    assert [one["owned_by"] for one in MODELS.openai()["data"]] == ["one", "one", "two", "monorelay"]


def test_the_list_has_anthropics_form() -> None:
    listed = MODELS.anthropic()
    assert listed["data"][0] == {
        "type": "model",
        "id": "GPT-5",
        "display_name": "GPT-5",
        "created_at": "2026-07-01T12:30:15Z",
    }
    assert {key: listed[key] for key in ("has_more", "first_id", "last_id")} == {
        "has_more": False,
        "first_id": "GPT-5",
        "last_id": "Fast",
    }


def test_both_forms_list_the_same_names() -> None:
    openai, anthropic = MODELS.openai()["data"], MODELS.anthropic()["data"]
    assert [one["id"] for one in openai] == [one["id"] for one in anthropic]


def test_a_list_without_models_is_empty_in_both_forms() -> None:
    assert EMPTY.openai() == {"object": "list", "data": []}
    assert EMPTY.anthropic() == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("name", ["GPT-5", "gpt-5", "META/LLAMA", "fast"])
def test_one_model_is_found_whatever_its_case(name: str) -> None:
    openai, anthropic = MODELS.openai_one(name), MODELS.anthropic_one(name)
    assert openai in MODELS.openai()["data"]
    assert anthropic in MODELS.anthropic()["data"]


@pytest.mark.parametrize("name", ["", "gpt", "gpt_5", "GPT-5@one", "*"])
def test_a_model_that_is_not_listed_is_not_found(name: str) -> None:
    assert (MODELS.openai_one(name), MODELS.anthropic_one(name)) == (None, None)


def test_the_time_is_told_in_utc() -> None:
    elsewhere = SINCE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    listed = ModelList(Catalog((Place("one", CHAT, ("m",)),), Rules({})), elsewhere)
    assert listed.anthropic()["data"][0]["created_at"] == "2026-07-01T12:30:15Z"
    assert listed.openai()["data"][0]["created"] == CREATED


TOLD = {
    "one": (ListedModel("shared"), ListedModel("gpt-5", datetime(2020, 1, 1, tzinfo=UTC))),
    "two": (
        ListedModel("shared", datetime(2020, 1, 1, tzinfo=UTC)),
        ListedModel("meta/llama", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), "meta", 8192),
        ListedModel("unknown"),
    ),
}


def test_the_creation_time_is_what_the_first_provider_of_a_model_tells() -> None:
    told = ModelList(CATALOG, SINCE, TOLD)
    assert [one["created"] for one in told.openai()["data"]] == [CREATED, CREATED, 1_770_091_506, CREATED]
    found = told.anthropic_one("META/llama")
    assert found is not None
    assert found["created_at"] == "2026-02-03T04:05:06Z"


def test_the_owner_stays_the_provider_whatever_its_list_says() -> None:
    found = ModelList(CATALOG, SINCE, TOLD).openai_one("meta/llama")
    assert found is not None
    assert found["owned_by"] == "two"


def who(*models: tuple[str, ...] | None) -> Principal:
    return Principal("somebody", Role.USER, limits=tuple(Limits(models=globs) for globs in models))


@pytest.mark.parametrize(
    ("principal", "names"),
    [
        (None, ["GPT-5", "shared", "meta/llama", "Fast"]),
        (who(), ["GPT-5", "shared", "meta/llama", "Fast"]),
        (who(None, None), ["GPT-5", "shared", "meta/llama", "Fast"]),
        (who(("gpt-*", "fast")), ["GPT-5", "Fast"]),
        (who(("gpt-*", "fast"), None, ("f*", "m*")), ["Fast"]),
        (who(()), []),
    ],
)
def test_each_is_shown_what_it_may_use(principal: Principal | None, names: list[str]) -> None:
    for _ in range(2):  # The second time from memory.
        assert [one["id"] for one in MODELS.openai(principal)["data"]] == names
        assert [one["id"] for one in MODELS.anthropic(principal)["data"]] == names
    for name in ("GPT-5", "shared", "meta/llama", "Fast"):
        assert (MODELS.openai_one(name, principal) is not None) is (name in names)
        assert (MODELS.anthropic_one(name, principal) is not None) is (name in names)


def test_what_one_may_not_see_is_not_remembered_for_another() -> None:
    models = ModelList(CATALOG, SINCE)
    assert models.openai(who(("fast",)))["data"] != models.openai(who(("shared",)))["data"]
    assert len(models.openai(None)["data"]) == 4
