from __future__ import annotations

from typing import Any

import pytest

from relay.formats.conversations.messages import PARTS, prompt_in_front, prompt_instead, without_tools

USER = {"role": "user", "content": "Hello"}
CACHE = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
BLOCK = {"type": "text", "text": "Be kind.", **CACHE}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln"}}
CALLED = '[Tool call toolu_1: weather({"city":"Köln"})]'
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def result(*content: Any, **rest: Any) -> dict[str, Any]:
    """With one text, or with blocks."""
    given = content[0] if content and isinstance(content[0], str) else list(content)
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": given, **rest}


def blocks(*given: Any, role: str = "user") -> list[Any]:
    """What a message of these blocks becomes."""
    (message,) = without_tools({"messages": [{"role": role, "content": list(given)}]})["messages"]
    assert message["role"] == role
    assert isinstance(message["content"], list)
    return message["content"]


# The system prompt


@pytest.mark.parametrize(
    ("body", "system"),
    [
        ({}, "Be brief."),
        ({"system": None}, "Be brief."),
        ({"system": ""}, "Be brief."),
        ({"system": "Be kind."}, "Be brief.\n\nBe kind."),
        ({"system": []}, [text("Be brief.")]),
        ({"system": [BLOCK, text("Be quick.")]}, [text("Be brief."), BLOCK, text("Be quick.")]),
    ],
)
def test_a_prompt_stands_before_the_clients_own(body: dict[str, Any], system: object) -> None:
    assert prompt_in_front({**body, "messages": [USER]}, "Be brief.") == {"system": system, "messages": [USER]}


@pytest.mark.parametrize("system", [5, {"type": "text"}, True])
def test_a_prompt_of_no_known_form_is_left_to_the_provider(system: object) -> None:
    body = {"system": system}
    assert prompt_in_front(body, "Be brief.") is body


@pytest.mark.parametrize("body", [{}, {"system": "Be kind."}, {"system": [BLOCK]}, {"system": 5}])
def test_instead_the_system_is_the_prompt(body: dict[str, Any]) -> None:
    assert prompt_instead({**body, "messages": [USER]}, "Be brief.") == {"system": "Be brief.", "messages": [USER]}


def test_instead_messages_of_the_system_are_gone() -> None:
    body = {"messages": [USER, {"role": "system", "content": "Be kind."}]}
    assert prompt_instead(body, "Be brief.") == {"messages": [USER], "system": "Be brief."}


# Tools


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"name": "weather"}]},
        {"mcp_servers": [{"name": "x"}]},
        *(
            {"messages": [USER, {"role": "user", "content": [text("a"), block]}]}
            for block in (USE, result("a"), {"type": "mcp_tool_use"}, {"type": "web_search_tool_result"})
        ),
    ],
)
def test_tools_are_used_where_they_are_offered_or_told_of(fields: dict[str, Any]) -> None:
    assert PARTS.uses_tools(fields)


@pytest.mark.parametrize(
    "fields",
    [{}, {"tools": []}, {"tool_choice": {"type": "auto"}}, {"messages": [USER, "x", {"content": [text("tool_use")]}]}],
)
def test_else_they_are_not(fields: dict[str, Any]) -> None:
    assert not PARTS.uses_tools(fields)


@pytest.mark.parametrize("option", ["tools", "tool_choice", "mcp_servers"])
def test_every_option_about_tools_is_dropped(option: str) -> None:
    assert without_tools({"messages": [USER], "top_p": 1, option: []}) == {"messages": [USER], "top_p": 1}


@pytest.mark.parametrize("content", ["Hello", [text("a"), IMAGE, THINKING], [], None, 5])
def test_a_request_without_tools_is_the_same_object(content: object) -> None:
    body = {"messages": [{"role": "user", "content": content}], "system": [BLOCK]}
    assert without_tools(body) is body


def test_a_call_becomes_text_in_its_place() -> None:
    assert blocks(THINKING, text("Let me see."), USE, role="assistant") == [
        THINKING,
        text("Let me see."),
        text(CALLED),
    ]


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (result("sunny"), [text("[Tool result toolu_1]\nsunny")]),
        (result(""), [text("[Tool result toolu_1]")]),
        ({"type": "tool_result", "tool_use_id": "toolu_1"}, [text("[Tool result toolu_1]")]),
        (result("no", is_error=True), [text("[Tool result toolu_1, failed]\nno")]),
        (result(text("sunny"), text(""), text(" "), IMAGE), [text("[Tool result toolu_1]"), text("sunny"), IMAGE]),
        (
            result({"type": "tool_reference", "tool_name": "time"}, 5),
            [text("[Tool result toolu_1]"), text('{"type":"tool_reference","tool_name":"time"}'), text("5")],
        ),
        (result({"a": 1}), [text("[Tool result toolu_1]"), text('{"a":1}')]),
        ({"type": "tool_result", "content": {"a": 1}}, [text('[Tool result]\n{"a":1}')]),
    ],
)
def test_a_result_becomes_text_and_what_can_stand_beside_it(block: dict[str, Any], told: list[Any]) -> None:
    assert blocks(block, text("And now?")) == [*told, text("And now?")]


def test_what_a_providers_own_tool_found_is_told_without_what_only_it_can_read() -> None:
    found = {"type": "web_search_result", "url": "https://e.org", "encrypted_content": "c2VjcmV0"}
    block = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found, IMAGE]}
    assert blocks(block, role="assistant") == [
        text("[Tool result srvtoolu_1]"),
        text('{"type":"web_search_result","url":"https://e.org"}'),
        text('{"type":"image","source":{"type":"url","url":"https://e.org/a.png"}}'),
    ]


@pytest.mark.parametrize("block", [{**USE, **CACHE}, result("a", **CACHE), result(text("a"), IMAGE, **CACHE)])
def test_the_cache_is_marked_where_it_was(block: dict[str, Any]) -> None:
    told = blocks(block, text("And now?"))
    assert [one.get("cache_control") for one in told[-2:]] == [CACHE["cache_control"], None]
    assert [one for one in told[:-2] if "cache_control" in one] == []


def test_a_message_that_only_offers_tools_is_left_out() -> None:
    offers = {"role": "system", "content": [{"type": "tool_addition", "tool": {}}]}
    assert without_tools({"messages": [USER, offers]}) == {"messages": [USER]}
