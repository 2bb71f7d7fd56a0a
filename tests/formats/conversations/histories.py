"""Conversations with tools: sound ones as clients send them, and anything that looks like one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = st.SearchStrategy[Any]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
IDS = st.sampled_from(["call_1", "call_2"])
_MAYBE_EMPTY = TEXTS | st.just("")
_OBJECTS = st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2)

# Sound ones


def chats() -> Json:
    part = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
    call = st.fixed_dictionaries(
        {
            "id": IDS,
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": TEXTS, "arguments": _MAYBE_EMPTY}),
        }
    )
    said = TEXTS | st.lists(part, min_size=1, max_size=2)
    message = st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": said}),
        st.fixed_dictionaries(
            {
                "role": st.just("assistant"),
                "content": said | st.none() | st.just(""),
                "tool_calls": st.lists(call, min_size=1, max_size=2),
            }
        ),
        st.fixed_dictionaries({"role": st.just("assistant"), "function_call": call.map(lambda one: one["function"])}),
        st.fixed_dictionaries(
            {
                "role": st.just("tool"),
                "tool_call_id": IDS,
                "content": _MAYBE_EMPTY | st.lists(part, min_size=1, max_size=2),
            }
        ),
        st.fixed_dictionaries({"role": st.just("function"), "name": TEXTS, "content": _MAYBE_EMPTY}),
    )
    return _with_options("messages", message, {"functions": st.lists(_OBJECTS), "function_call": st.just("auto")})


def responses() -> Json:
    part = st.sampled_from(
        [{"type": "input_text", "text": "sunny"}, {"type": "input_image", "image_url": "https://e.org/a.png"}]
    )
    item = st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "developer"]), "content": TEXTS}),
        st.fixed_dictionaries({"type": st.just("reasoning"), "id": st.just("rs_1"), "summary": st.just([])}),
        st.fixed_dictionaries(
            {"type": st.just("function_call"), "call_id": IDS, "name": TEXTS, "arguments": _MAYBE_EMPTY}
        ),
        st.fixed_dictionaries({"type": st.just("web_search_call"), "id": IDS, "action": _OBJECTS}),
        st.fixed_dictionaries(
            {"type": st.just("mcp_call"), "id": IDS, "name": TEXTS, "arguments": TEXTS, "output": _MAYBE_EMPTY}
        ),
        st.fixed_dictionaries({"type": st.just("mcp_list_tools"), "id": IDS, "tools": st.just([])}),
        st.fixed_dictionaries(
            {
                "type": st.just("function_call_output"),
                "call_id": IDS,
                "output": _MAYBE_EMPTY | st.lists(part, max_size=2),
            }
        ),
    )
    return _with_options("input", item, {"max_tool_calls": st.just(1)})


def messages() -> Json:
    text = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
    cache = {"cache_control": st.just({"type": "ephemeral"})}
    image = st.just({"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}})
    result = st.fixed_dictionaries(
        {"type": st.just("tool_result"), "tool_use_id": IDS},
        optional={
            "content": _MAYBE_EMPTY | st.lists(text | image | st.just({"type": "text", "text": ""}), max_size=2),
            "is_error": st.booleans(),
            **cache,
        },
    )
    use = st.fixed_dictionaries(
        {"type": st.sampled_from(["tool_use", "server_tool_use"]), "id": IDS, "name": TEXTS, "input": _OBJECTS},
        optional=cache,
    )
    found = st.fixed_dictionaries(
        {
            "type": st.just("web_search_tool_result"),
            "tool_use_id": IDS,
            "content": st.just(
                [{"type": "web_search_result", "url": "https://e.org", "encrypted_content": "c2VjcmV0"}]
            ),
        }
    )
    message = st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": TEXTS}),
        st.fixed_dictionaries(
            {"role": st.just("user"), "content": st.lists(result | text | image, min_size=1, max_size=3)}
        ),
        st.fixed_dictionaries(
            {"role": st.just("assistant"), "content": st.lists(use | found | text, min_size=1, max_size=3)}
        ),
    )
    return _with_options("messages", message, {"mcp_servers": st.lists(_OBJECTS), "system": TEXTS})


def _with_options(name: str, said: Json, options: dict[str, Json]) -> Json:
    common = {"tools": st.lists(_OBJECTS, max_size=2), "tool_choice": st.just("auto"), "temperature": st.just(1)}
    return st.fixed_dictionaries({name: st.lists(said, min_size=1, max_size=6)}, optional={**common, **options})


# Anything

_WORDS = [
    "system", "developer", "user", "assistant", "tool", "function", "text", "reasoning", "function_call",
    "function_call_output", "mcp_call", "mcp_list_tools", "tool_use", "tool_result", "mcp_tool_result", "tool_addition",
]  # fmt: skip
_NAMES = [
    "messages", "input", "instructions", "system", "tools", "functions", "tool_choice", "function_call", "tool_calls",
    "role", "content", "type", "name", "id", "call_id", "tool_call_id", "tool_use_id", "function", "custom",
    "arguments", "output", "text", "cache_control", "is_error", "mcp_servers",
]  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | _MAYBE_EMPTY | st.sampled_from(_WORDS)


def anything() -> Json:
    """Any object of any JSON under names that mean something, lists of such objects most of all."""
    inner = st.recursive(
        _SCALARS,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), below, max_size=4),
        max_leaves=12,
    )
    told = st.dictionaries(st.sampled_from(["role", "type"]), st.sampled_from(_WORDS))
    turn = st.builds(
        lambda one, other: {**one, **other}, st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3), told
    )
    turns = st.lists(turn | inner, max_size=4)
    return st.dictionaries(st.sampled_from(_NAMES), turns | inner, max_size=5)
