from __future__ import annotations

from typing import Any

import pytest

from relay.formats.conversations.responses import PARTS, prompt_in_front, prompt_instead, without_tools

USER = {"role": "user", "content": "Hello"}
DEVELOPER = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
ANSWER = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}


def call(number: int, **rest: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": f"call_{number}", "name": "weather", "arguments": "{}", **rest}


def output(number: int, given: object = "sunny") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": f"call_{number}", "output": given}


def downgraded(*items: Any) -> list[Any]:
    found = without_tools({"input": list(items)})["input"]
    assert isinstance(found, list)
    return found


# The system prompt


@pytest.mark.parametrize(
    ("body", "instructions"),
    [
        ({"input": "Hello"}, "Be brief."),
        ({"instructions": None}, "Be brief."),
        ({"instructions": ""}, "Be brief."),
        ({"instructions": "Be kind."}, "Be brief.\n\nBe kind."),
    ],
)
def test_a_prompt_stands_before_the_instructions(body: dict[str, Any], instructions: str) -> None:
    assert prompt_in_front(body, "Be brief.") == {**body, "instructions": instructions}


@pytest.mark.parametrize("instructions", [5, ["Be kind."], {}, False])
def test_instructions_that_are_no_text_are_left_to_the_provider(instructions: object) -> None:
    body = {"instructions": instructions}
    assert prompt_in_front(body, "Be brief.") is body


@pytest.mark.parametrize("body", [{}, {"instructions": "Be kind."}, {"instructions": [1]}, {"input": "Hello"}])
def test_instead_the_instructions_are_the_prompt(body: dict[str, Any]) -> None:
    assert prompt_instead(body, "Be brief.") == {**body, "instructions": "Be brief."}


def test_instead_messages_that_instruct_are_gone() -> None:
    body = {"input": [DEVELOPER, USER, {"role": "system", "content": "x"}, ANSWER]}
    assert prompt_instead(body, "Be brief.") == {"input": [USER, ANSWER], "instructions": "Be brief."}


def test_instead_a_message_that_instructs_stays_where_nothing_else_was_said() -> None:
    assert prompt_instead({"input": [DEVELOPER]}, "Be brief.")["input"] == [DEVELOPER]


# Tools


@pytest.mark.parametrize(
    "fields",
    [{"tools": [{"type": "web_search"}]}, *({"input": [USER, item]} for item in (call(1), output(1)))]
    + [{"input": [{"type": kind}]} for kind in ("mcp_list_tools", "custom_tool_call", "web_search_call", "mcp_call")],
)
def test_tools_are_used_where_they_are_offered_or_told_of(fields: dict[str, Any]) -> None:
    assert PARTS.uses_tools(fields)


@pytest.mark.parametrize(
    "fields",
    [{}, {"tools": []}, {"tool_choice": "auto"}, {"input": "function_call"}, {"input": [USER, REASONING, ANSWER, "x"]}],
)
def test_else_they_are_not(fields: dict[str, Any]) -> None:
    assert not PARTS.uses_tools(fields)


@pytest.mark.parametrize("option", ["tools", "tool_choice", "parallel_tool_calls", "max_tool_calls"])
def test_every_option_about_tools_is_dropped(option: str) -> None:
    assert without_tools({"input": "Hello", "top_p": 1, option: 1}) == {"input": "Hello", "top_p": 1}


@pytest.mark.parametrize("given", ["Hello", [USER, REASONING, ANSWER], None, {}])
def test_a_request_without_tools_is_the_same_object(given: object) -> None:
    body = {"input": given}
    assert without_tools(body) is body


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (call(1), "[Tool call call_1: weather({})]"),
        ({"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": "ls"}, "[Tool call c: sh(ls)]"),
        (
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "Köln"}},
            '[Tool call ws_1: web_search_call({"query":"Köln"})]',
        ),
        (
            {"type": "mcp_call", "id": "mcp_1", "name": "weather", "arguments": "{}", "output": "sunny"},
            "[Tool call mcp_1: weather({})]\n[Tool result mcp_1]\nsunny",
        ),
        (
            {"type": "code_interpreter_call", "id": "ci_1", "code": "1+1", "outputs": None},
            "[Tool call ci_1: code_interpreter_call(1+1)]",
        ),
        (
            {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0K"},
            "[Tool call ig_1: image_generation_call()]",
        ),
        ({"type": "function_call"}, "[Tool call: function_call()]"),
    ],
)
def test_a_call_is_told_by_the_assistant(item: dict[str, Any], text: str) -> None:
    assert downgraded(item) == [{"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("item", "content"),
    [
        (output(1), "[Tool result call_1]\nsunny"),
        (output(1, ""), "[Tool result call_1]"),
        (output(1, {"a": 1}), '[Tool result call_1]\n{"a":1}'),
        (
            output(1, [{"type": "output_text", "text": "a"}]),
            '[Tool result call_1]\n[{"type":"output_text","text":"a"}]',
        ),
        (
            output(1, [{"type": "input_image", "image_url": "https://e.org"}]),
            [
                {"type": "input_text", "text": "[Tool result call_1]"},
                {"type": "input_image", "image_url": "https://e.org"},
            ],
        ),
        ({"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}, "[Tool result a]\ntrue"),
    ],
)
def test_a_result_is_told_by_the_user(item: dict[str, Any], content: object) -> None:
    assert downgraded(item) == [{"role": "user", "content": content}]


def test_calls_and_results_that_follow_one_another_are_one_message_each() -> None:
    assert downgraded(USER, call(1), call(2), output(1), output(2), ANSWER) == [
        USER,
        {"role": "assistant", "content": "[Tool call call_1: weather({})]\n[Tool call call_2: weather({})]"},
        {"role": "user", "content": "[Tool result call_1]\nsunny\n\n[Tool result call_2]\nsunny"},
        ANSWER,
    ]


def test_reasoning_goes_with_the_call_that_it_led_to_and_stays_with_an_answer() -> None:
    told = downgraded(REASONING, call(1), REASONING, REASONING, call(2), output(1), REASONING, ANSWER, REASONING)
    kinds = [item.get("role") or item["type"] for item in told]
    assert kinds == ["assistant", "user", "reasoning", "assistant", "reasoning"]


def test_reasoning_goes_with_a_call_behind_a_list_of_tools_too() -> None:
    (told,) = downgraded(REASONING, {"type": "mcp_list_tools"}, call(1))
    assert told["role"] == "assistant"


def test_lists_of_tools_are_left_out() -> None:
    assert downgraded({"type": "mcp_list_tools"}, USER, {"type": "additional_tools", "role": "developer"}) == [USER]
