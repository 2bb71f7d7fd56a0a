from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.params.paths import filled, replaced

FILLED = [
    ({}, "a", {"a": 1}),
    ({}, "a.b.c", {"a": {"b": {"c": 1}}}),
    ({"a": {}}, "a.b", {"a": {"b": 1}}),
    ({"a": {"x": 2}, "y": 3}, "a.b", {"a": {"x": 2, "b": 1}, "y": 3}),
]
KEPT: list[tuple[dict[str, Any], str]] = [
    ({"a": 2}, "a"),
    ({"a": None}, "a"),
    ({"a": {"b": 2}}, "a.b"),
    ({"a": {"b": {"c": 2}}}, "a.b"),
]
BLOCKED: list[tuple[dict[str, Any], str]] = [
    ({"a": value}, "a.b") for value in (None, 5, "text", [], [{"b": 2}], False)
]
"""Something stands in the way that is no object."""


@pytest.mark.parametrize(("document", "path", "expected"), FILLED)
def test_what_is_absent_is_filled_in(document: dict[str, Any], path: str, expected: dict[str, Any]) -> None:
    assert filled(document, path.split("."), 1) == expected


@pytest.mark.parametrize(("document", "path"), KEPT + BLOCKED)
def test_what_is_there_stays_and_so_does_what_is_in_the_way(document: dict[str, Any], path: str) -> None:
    assert filled(document, path.split("."), 1) is document


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        *FILLED,
        ({"a": 2}, "a", {"a": 1}),
        ({"a": {"b": 2, "c": 3}}, "a", {"a": 1}),
        ({"a": {"b": 2, "c": 3}}, "a.b", {"a": {"b": 1, "c": 3}}),
        *((document, path, {"a": {"b": 1}}) for document, path in BLOCKED),
    ],
)
def test_a_value_is_replaced_whatever_is_in_the_way(
    document: dict[str, Any], path: str, expected: dict[str, Any]
) -> None:
    assert replaced(document, path.split("."), 1) == expected


NAMES = st.sampled_from("abc")
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.integers(0, 3) | st.text(max_size=2),
        lambda below: st.lists(below, max_size=2) | st.dictionaries(NAMES, below, max_size=3),
    ),
    max_size=3,
)
PATHS = st.lists(NAMES, min_size=1, max_size=4)


def keeps(before: object, after: object) -> bool:
    """Whether everything that was given is still there, unchanged."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(name in after and keeps(value, after[name]) for name, value in before.items())
    return before == after


@given(DOCUMENTS, PATHS)
def test_filling_in_never_changes_what_was_given(document: dict[str, Any], path: list[str]) -> None:
    before = copy.deepcopy(document)
    assert keeps(before, filled(document, path, "new"))
    assert document == before


@given(DOCUMENTS, PATHS)
def test_a_replaced_value_is_found_at_its_path(document: dict[str, Any], path: list[str]) -> None:
    before = copy.deepcopy(document)
    found: Any = replaced(document, path, "new")
    for name in path:
        found = found[name]
    assert found == "new"
    assert document == before
