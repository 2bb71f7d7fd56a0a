"""What holds for every dialect, whatever was said."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import InvalidRequest
from relay.formats.conversations import CONVERSATIONS, Placement
from relay.model import Dialect
from tests.formats.conversations.histories import anything, chats, messages, responses

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
HISTORIES = {Dialect.CHAT: chats(), Dialect.RESPONSES: responses(), Dialect.MESSAGES: messages()}
SAID = {Dialect.CHAT: "messages", Dialect.RESPONSES: "input", Dialect.MESSAGES: "messages"}
ROLES = {
    Dialect.CHAT: {"system", "user", "assistant"},
    Dialect.RESPONSES: {"developer", "user", "assistant"},
    Dialect.MESSAGES: {"user", "assistant"},
}
TURN_WITH: dict[Dialect, Callable[[Any], dict[str, Any]]] = {
    Dialect.CHAT: lambda given: {"role": "assistant", "tool_calls": [given]},
    Dialect.RESPONSES: lambda given: {"type": "custom_tool_call", "input": given},
    Dialect.MESSAGES: lambda given: {"role": "assistant", "content": [{"type": "tool_use", "input": given}]},
}
"""A call with these arguments."""


def changes(dialect: Dialect, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The body after each thing that can be done to it; it must stay as it was."""
    parts = CONVERSATIONS[dialect]
    before = copy.deepcopy(body)
    results = [*(parts.with_prompt[place](body, "Be brief.") for place in Placement), parts.without_tools(body)]
    assert body == before
    return results


@every_dialect
@given(body=anything())
def test_whatever_is_said_becomes_json_and_changes_nothing_that_was_given(
    dialect: Dialect, body: dict[str, Any]
) -> None:
    for changed in changes(dialect, body):
        assert orjson.loads(orjson.dumps(changed)) == changed
    parts, said = CONVERSATIONS[dialect], SAID[dialect]
    assert parts.uses_tools(body) or parts.without_tools(body).get(said) is body.get(said)


@every_dialect
@given(body=anything())
def test_without_tools_nothing_of_them_is_left_whatever_was_said(dialect: Dialect, body: dict[str, Any]) -> None:
    parts = CONVERSATIONS[dialect]
    changed = parts.without_tools(body)
    assert not parts.uses_tools(changed)
    assert parts.without_tools(changed) is changed


@every_dialect
@given(data=st.data())
def test_a_sound_conversation_without_tools_is_a_sound_one(dialect: Dialect, data: st.DataObject) -> None:
    body = data.draw(HISTORIES[dialect])
    changed = CONVERSATIONS[dialect].without_tools(body)
    assert changed.get("temperature") == body.get("temperature")
    for turn in changed[SAID[dialect]]:
        if turn.get("type") == "reasoning":
            continue
        assert turn["role"] in ROLES[dialect]
        assert is_sound(turn["content"])


def is_sound(content: object) -> bool:
    """A text that is not blank, or parts of which none is a blank text."""
    if isinstance(content, str):
        return bool(content.strip())
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(part, dict) and str(part.get("text", "-")).strip() for part in content)
    )


@given(body=responses())
def test_reasoning_is_never_left_without_the_call_that_it_led_to(body: dict[str, Any]) -> None:
    items = CONVERSATIONS[Dialect.RESPONSES].without_tools(body)["input"]
    for before, item in pairwise(items):
        assert not (before.get("type") == "reasoning" and str(item.get("content")).startswith("[Tool call"))


@every_dialect
@given(data=st.data())
def test_a_prompt_changes_nothing_else(dialect: Dialect, data: st.DataObject) -> None:
    body = data.draw(HISTORIES[dialect])
    changed = CONVERSATIONS[dialect].with_prompt[Placement.FRONT](body, "Be brief.")
    assert changed != body
    added = {"instructions", "system"}
    assert {name: value for name, value in changed.items() if name not in {*added, SAID[dialect]}} == {
        name: value for name, value in body.items() if name not in {*added, SAID[dialect]}
    }
    assert changed[SAID[dialect]][-len(body[SAID[dialect]]) :] == body[SAID[dialect]]


@every_dialect
def test_arguments_that_are_nested_too_deeply_are_refused(dialect: Dialect) -> None:
    deep = orjson.loads(b"[" * 300 + b"]" * 300)
    with pytest.raises(InvalidRequest):
        CONVERSATIONS[dialect].without_tools({SAID[dialect]: [TURN_WITH[dialect](deep)]})
