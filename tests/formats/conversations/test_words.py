from __future__ import annotations

from typing import Any

import pytest

from relay.errors import InvalidRequest
from relay.formats.conversations.words import (
    Content,
    call_text,
    failure_heading,
    is_of,
    joined,
    one_content,
    result_heading,
    text_of,
    under,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [("Köln", "Köln"), ("", ""), (None, ""), (5, "5"), (True, "true"), ({"a": ["ü"]}, '{"a":["ü"]}'), ([], "[]")],
)
def test_what_is_no_text_is_told_as_json(value: object, text: str) -> None:
    assert text_of(value) == text


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        text_of(deep)


@pytest.mark.parametrize("call_id", [None, "", 5, {}])
def test_what_is_no_id_is_not_told(call_id: object) -> None:
    assert call_text("f", call_id, "") == "[Tool call: f()]"
    assert result_heading(call_id) == "[Tool result]"
    assert failure_heading(call_id) == "[Tool result, failed]"


def test_a_heading_stands_alone_above_nothing() -> None:
    assert (under("[H]", "text"), under("[H]", "")) == ("[H]\ntext", "[H]")


@pytest.mark.parametrize(
    ("first", "second", "both"), [("a", "b", "a\n\nb"), ("", "b", "b"), ("a", "", "a"), ("", "", "")]
)
def test_two_texts_have_an_empty_line_between(first: str, second: str, both: str) -> None:
    assert joined(first, second) == both


@pytest.mark.parametrize(
    ("contents", "one"),
    [
        (["a"], "a"),
        (["a", "b"], "a\n\nb"),
        ([[{"type": "x"}]], [{"type": "x"}]),
        (["a", [{"type": "x"}]], [{"type": "t", "text": "a"}, {"type": "x"}]),
    ],
)
def test_contents_are_one_text_or_one_list(contents: list[Content], one: Content) -> None:
    assert one_content(contents, "t") == one


@pytest.mark.parametrize("value", [None, "a", [], {}, {"type": None}, {"type": ["a"]}, {"type": "b"}, {"role": "a"}])
def test_whatever_is_no_object_of_the_type_is_not_of_it(value: object) -> None:
    assert not is_of(value, ("a",))
    assert is_of({"type": "a"}, ("a",))
