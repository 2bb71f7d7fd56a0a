from __future__ import annotations

from typing import Any

import pytest

from relay.formats.conversations.chat import PARTS, prompt_in_front, prompt_instead, without_tools

USER = {"role": "user", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be kind.", "name": "x"}
DEVELOPER = {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}


def said(*messages: Any, **rest: Any) -> dict[str, Any]:
    return {**rest, "messages": list(messages)}


def call(number: int, name: str = "weather", arguments: object = '{"city": "Köln"}') -> dict[str, Any]:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def result(number: int, content: object = "sunny") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": content}


def downgraded(*messages: Any) -> list[Any]:
    found = without_tools(said(*messages))["messages"]
    assert isinstance(found, list)
    return found


# The system prompt


@pytest.mark.parametrize(
    ("messages", "role"), [([USER], "system"), ([SYSTEM, USER], "system"), ([DEVELOPER, USER], "developer")]
)
def test_a_prompt_is_a_message_before_all_others(messages: list[Any], role: str) -> None:
    body = said(*messages, top_p=1)
    assert prompt_in_front(body, "Be brief.") == said({"role": role, "content": "Be brief."}, *messages, top_p=1)


@pytest.mark.parametrize(
    ("messages", "role"),
    [([USER], "system"), ([SYSTEM, USER, SYSTEM, DEVELOPER], "system"), ([DEVELOPER, SYSTEM, USER], "developer")],
)
def test_instead_all_messages_that_instruct_are_gone(messages: list[Any], role: str) -> None:
    assert prompt_instead(said(*messages), "Be brief.") == said({"role": role, "content": "Be brief."}, USER)


def test_instead_of_nothing_else_the_prompt_stands_alone() -> None:
    assert prompt_instead(said(SYSTEM), "Be brief.") == said({"role": "system", "content": "Be brief."})


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": []}, {"messages": "Hello"}, {"prompt": "Hello"}])
def test_without_messages_there_is_no_place_for_a_prompt(body: dict[str, Any]) -> None:
    assert prompt_in_front(body, "Be brief.") is body
    assert prompt_instead(body, "Be brief.") is body


# Tools


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function"}]},
        {"functions": [{"name": "weather"}]},
        said(USER, {"role": "assistant", "tool_calls": [call(1)]}),
        said(USER, {"role": "assistant", "function_call": {"name": "weather", "arguments": ""}}),
        said(result(1)),
        said({"role": "function", "name": "weather", "content": "sunny"}),
    ],
)
def test_tools_are_used_where_they_are_offered_or_told_of(fields: dict[str, Any]) -> None:
    assert PARTS.uses_tools(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tools": [], "functions": None, "tool_choice": "auto", "parallel_tool_calls": True},
        said(USER, {"role": "assistant", "content": "Hi", "tool_calls": None, "function_call": None}),
        said(USER, {"role": "assistant", "content": "Hi", "tool_calls": []}, "junk", None),
    ],
)
def test_else_they_are_not(fields: dict[str, Any]) -> None:
    assert not PARTS.uses_tools(fields)


@pytest.mark.parametrize("option", ["tools", "functions", "tool_choice", "parallel_tool_calls", "function_call"])
def test_every_option_about_tools_is_dropped(option: str) -> None:
    assert without_tools(said(USER, top_p=1, **{option: []})) == said(USER, top_p=1)


def test_a_request_without_tools_is_the_same_object() -> None:
    body = said(SYSTEM, USER, {"role": "assistant", "content": "Hi", "tool_calls": None})
    assert without_tools(body) is body


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "[Tool call call_1: weather({})]"),
        ("", "[Tool call call_1: weather({})]"),
        ("Let me see.", "Let me see.\n\n[Tool call call_1: weather({})]"),
        (
            [{"type": "text", "text": "Let me see."}],
            [{"type": "text", "text": "Let me see."}, {"type": "text", "text": "[Tool call call_1: weather({})]"}],
        ),
    ],
)
def test_calls_stand_below_what_was_said(content: object, expected: object) -> None:
    message = {"role": "assistant", "content": content, "name": "a", "tool_calls": [call(1, arguments="{}")]}
    assert downgraded(message) == [{"role": "assistant", "content": expected, "name": "a"}]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tool_calls": [call(1), call(2, "time", "{}")]},
         '[Tool call call_1: weather({"city": "Köln"})]\n[Tool call call_2: time({})]'),
        ({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls"}}]},
         "[Tool call c: sh(ls)]"),
        ({"tool_calls": [call(1, arguments={"city": "Köln"})]}, '[Tool call call_1: weather({"city":"Köln"})]'),
        ({"function_call": {"name": "weather", "arguments": "{}"}}, "[Tool call: weather({})]"),
        ({"tool_calls": ["junk", {"id": 5}]}, '[Tool call: (junk)]\n[Tool call: ({"id":5})]'),
        ({"tool_calls": {"a": 1}}, '[Tool call: ({"a":1})]'),
    ],
)  # fmt: skip
def test_a_call_is_told_with_its_id_name_and_arguments(fields: dict[str, Any], expected: str) -> None:
    assert downgraded({"role": "assistant", **fields}) == [{"role": "assistant", "content": expected}]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (result(1), "[Tool result call_1]\nsunny"),
        (result(1, ""), "[Tool result call_1]"),
        (result(1, None), "[Tool result call_1]"),
        (result(1, {"a": 1}), '[Tool result call_1]\n{"a":1}'),
        ({"role": "tool", "content": "sunny"}, "[Tool result]\nsunny"),
        ({"role": "function", "name": "weather", "content": "sunny"}, "[Tool result weather]\nsunny"),
        (
            result(1, [{"type": "text", "text": "sunny"}]),
            [{"type": "text", "text": "[Tool result call_1]"}, {"type": "text", "text": "sunny"}],
        ),
    ],
)
def test_a_result_is_told_by_the_user(message: dict[str, Any], content: object) -> None:
    assert downgraded(message) == [{"role": "user", "content": content}]


def test_results_that_follow_one_another_are_one_message() -> None:
    calls = {"role": "assistant", "content": "Hi", "tool_calls": [call(1), call(2)]}
    told = downgraded(USER, calls, result(1), result(2), {"role": "assistant", "content": "Sunny."}, USER)
    assert [message["role"] for message in told] == ["user", "assistant", "user", "assistant", "user"]
    assert told[2]["content"] == "[Tool result call_1]\nsunny\n\n[Tool result call_2]\nsunny"


def test_one_message_of_texts_and_parts_is_parts() -> None:
    (told,) = downgraded(result(1), result(2, [{"type": "image_url", "image_url": {"url": "https://e.org"}}]))
    assert told["content"] == [
        {"type": "text", "text": "[Tool result call_1]\nsunny"},
        {"type": "text", "text": "[Tool result call_2]"},
        {"type": "image_url", "image_url": {"url": "https://e.org"}},
    ]
