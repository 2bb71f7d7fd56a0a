from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.conversation_mark import MAX_COMPARED_CHARACTERS, read_conversation
from tests.formats.test_asked import JSON

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}


def mark(body: dict[str, Any], *headers: tuple[str, str]) -> object:
    found = read_conversation(body, headers)
    assert found is not None
    return found.mark


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"prompt_cache_key": "c"}, ()),
        ({"session_id": "c"}, ()),
        ({}, (("Session-Id", "c"),)),
        ({"prompt_cache_key": ""}, (("x-session-id", "c"),)),
    ],
)
def test_a_name_is_found_wherever_clients_put_it(body: dict[str, Any], headers: tuple[tuple[str, str], ...]) -> None:
    found = read_conversation({"messages": [USER], **body}, headers)
    assert found is not None
    assert (found.mark, found.is_continued) == (("named", "c"), True)


@pytest.mark.parametrize("user", ["user_1_account__session_2", '{"device_id":"1","session_id":"2"}'])
def test_the_user_of_anthropics_names_a_conversation_where_a_session_is_in_it(user: str) -> None:
    found = read_conversation({"messages": [USER], "metadata": {"user_id": user}}, ())
    assert found is not None
    assert (found.mark, found.is_continued) == (("named", user), True)


def test_one_person_may_have_several_conversations() -> None:
    others = [{"role": "user", "content": "Ho"}]
    for body in ({"user": "ann"}, {"metadata": {"user_id": "ann"}}):
        assert mark({"messages": [USER], **body}) != mark({"messages": others, **body})


@pytest.mark.parametrize(
    ("items", "is_continued"),
    [
        ([USER], False),
        ([{"role": "system", "content": "x"}, USER], False),
        ([USER, USER], False),
        ([USER, ANSWER], True),
        ([USER, {"type": "function_call", "name": "f"}], True),
        ([USER, {"role": "tool", "content": "x"}], True),
    ],
)
def test_an_answer_among_the_messages_says_that_it_goes_on(items: list[Any], is_continued: bool) -> None:
    for body in ({"messages": items}, {"input": items}):
        found = read_conversation(body, ())
        assert found is not None
        assert found.is_continued is is_continued


def test_it_is_the_beginning_that_counts() -> None:
    begun = mark({"messages": [USER]})
    assert mark({"messages": [USER, ANSWER, {"role": "user", "content": "More"}]}) == begun
    assert mark({"messages": [{"role": "user", "content": "Ho"}, ANSWER]}) != begun
    assert mark({"messages": [USER], "system": "Be kind."}) != begun
    assert mark({"messages": [USER], "user": "ann"}) != begun
    assert mark({"messages": [USER], "metadata": {"user_id": "ann"}}) != begun
    assert mark({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}) != begun


def test_of_long_texts_the_beginning_and_the_length_count() -> None:
    long = "x" * MAX_COMPARED_CHARACTERS
    ends = {mark({"messages": [{"role": "user", "content": long + end}]}) for end in ("", "a", "b", "aa")}
    assert len(ends) == 3


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"input": "x"}, {"prompt": "x"}, {"messages": "x"}])
def test_there_may_be_nothing_to_find_it_by(body: dict[str, Any]) -> None:
    assert read_conversation(body, ()) is None


@given(st.dictionaries(st.sampled_from(["messages", "input", "system", "user", "metadata", "session_id"]), JSON))
def test_any_body_is_read_without_complaint_and_can_be_hashed(body: dict[str, Any]) -> None:
    found = read_conversation(body, ())
    assert found is None or hash(found.mark) == hash(found.mark)


def test_a_beginning_without_a_user_is_all_that_there_is() -> None:
    system = {"role": "system", "content": "Be kind."}
    assert mark({"messages": [system]}) == mark({"messages": [system]})
    assert mark({"messages": [system]}) != mark({"messages": [system, USER]})


def test_parts_within_parts_are_not_followed_however_deep() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [{"text": deep}]
    assert read_conversation({"messages": [{"role": "user", "content": deep}], "system": deep}, ()) is not None
