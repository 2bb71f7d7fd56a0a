"""What is read of a provider's answer to `GET /models`."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.listed_model import ListedModel
from relay.upstream.model_list import MAX_ENTRIES, MAX_MODELS, NotAList, Page, first_of_each, read_page, write_list
from tests.upstream.test_listed_model import models

TWO = [{"id": "a"}, {"id": "b"}]
NAMED = (ListedModel("a"), ListedModel("b"))


def page(document: object, prefix: str = "") -> Page:
    return read_page(orjson.dumps(document), prefix)


@pytest.mark.parametrize(
    "document",
    [
        {"object": "list", "data": TWO},
        {"data": TWO, "has_more": False, "first_id": "a", "last_id": "b"},
        TWO,
        {"models": [{"key": "a"}, {"name": "b"}]},
        {"object": "list", "data": TWO, "models": [{"name": "c"}]},
        {"data": [*TWO, None, 5, {"id": ""}, {"object": "model"}]},
    ],
)
def test_a_list_of_each_form_is_read(document: object) -> None:
    assert page(document) == Page(NAMED)


@pytest.mark.parametrize(
    "document", [{"object": "list", "data": []}, {"object": "list", "data": None}, [], {"models": []}]
)
def test_a_list_may_be_empty(document: object) -> None:
    assert page(document) == Page(())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><title>Welcome</title>",
        b"null",
        b"5",
        b'"gpt-x"',
        b"{}",
        b'{"data": null}',
        b'{"data": {"id": "a"}}',
        b'{"error": {"message": "no"}}',
        b'{"data": [1, 2]}',
        b'["a", "b"]',
        b'{"data": [{"id": "a"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_list_is_none(body: bytes) -> None:
    with pytest.raises(NotAList):
        read_page(body)


def test_names_lose_the_prefix_that_calls_do_without() -> None:
    assert page({"data": [{"id": "models/a"}, {"id": "models/b"}]}, "models/").models == NAMED


@pytest.mark.parametrize(
    ("ends", "after"),
    [
        ({"has_more": True, "last_id": "b"}, "after_id=b"),
        ({"has_more": True, "last_id": "a/b &c=ä"}, "after_id=a%2Fb%20%26c%3D%C3%A4"),
        ({"has_more": True, "last_id": None}, ""),
        ({"has_more": True, "last_id": ""}, ""),
        ({"has_more": True, "last_id": "x" * 513}, ""),
        ({"has_more": "true", "last_id": "b"}, ""),
        ({"has_more": False, "last_id": "b"}, ""),
        ({"last_id": "b"}, ""),
    ],
)
def test_the_next_page_is_asked_for_with_the_last_id(ends: dict[str, Any], after: str) -> None:
    assert page({"data": TWO, **ends}).after == after


def test_half_a_character_in_an_id_asks_for_no_other_host() -> None:
    assert read_page(b'{"data": [], "has_more": true, "last_id": "\\ud800"}').after == "after_id=%3F"


def test_no_more_entries_are_looked_at_than_there_may_be() -> None:
    body = orjson.dumps([{"id": "a"}, *[0] * MAX_ENTRIES, {"id": "b"}])
    assert read_page(body).models == (ListedModel("a"),)


def test_each_name_counts_once_whatever_its_case() -> None:
    found = (ListedModel("A", owned_by="x"), ListedModel("b"), ListedModel("a"), ListedModel("B"))
    assert first_of_each(found) == found[:2]


def test_there_are_no_more_models_than_there_may_be() -> None:
    many = [ListedModel(str(number)) for number in range(MAX_MODELS + 1)]
    assert first_of_each(many) == tuple(many[:MAX_MODELS])


@given(st.lists(models))
def test_what_is_written_is_read_again(listed: list[ListedModel]) -> None:
    assert read_page(write_list(listed)) == Page(tuple(listed))


@given(st.binary())
def test_any_bytes_are_a_list_or_none(body: bytes) -> None:
    with suppress(NotAList):
        read_page(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["data", "models", "object", "id", "has_more", "last_id"]) | st.text(), inner)
    ),
)


@given(json_values)
def test_any_document_is_a_list_or_none(document: object) -> None:
    with suppress(NotAList):
        found = read_page(json.dumps(document).encode())
        assert all(model.name.isprintable() for model in found.models)
