from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.asked import Asked

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "role", "text", "content", "x"]), inner),
)
FIELDS = ["messages", "input", "prompt", "system", "instructions", "tools", "functions", "text", "response_format",
          "output_format", "reasoning", "thinking", "reasoning_effort"]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "characters"),
    [
        ({"messages": [{"role": "user", "content": "four"}]}, 4),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "four"}]}], "system": "six..."}, 10),
        ({"input": "four", "instructions": "six..."}, 10),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "four"}]}]}, 4),
        ({"prompt": ["four", "five!"]}, 9),
        ({"tools": [{"type": "function", "name": "four"}]}, 4),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,xxxx"}}]}]}, 0),
        ({"messages": [{"content": [{"type": "document", "source": {"type": "base64", "data": "xxxx"}}]}]}, 0),
    ],
)
def test_what_the_model_reads_is_counted_and_what_is_data_is_not(body: dict[str, Any], characters: int) -> None:
    assert Asked(body).characters == characters


@pytest.mark.parametrize("kind", ["image", "image_url", "input_image"])
def test_images_of_every_dialect_are_seen_however_deep(kind: str) -> None:
    result = {"type": "tool_result", "content": [{"type": kind}]}
    assert Asked({"messages": [{"role": "user", "content": [result]}]}).has_images


def test_a_body_with_nothing_asks_for_nothing() -> None:
    asked = Asked({"model": "m", "image": "x"})
    assert (asked.characters, asked.turns, asked.tools) == (0, 0, 0)
    assert [asked.has_images, asked.has_schema, asked.wants_reasoning, asked.uses_tools] == [False] * 4


def test_a_body_that_is_too_short_for_it_is_not_read_for_its_length() -> None:
    body = {"prompt": "x" * 10}
    assert [Asked(body).is_longer_than(characters) for characters in (9, 10)] == [True, False]
    assert not Asked(body, size_bytes=9).is_longer_than(9), "its bytes say enough"


@pytest.mark.parametrize("last", [{"role": "tool", "tool_call_id": "c", "content": "4"}, {"role": "user"}])
def test_a_conversation_with_calls_of_tools_needs_a_model_that_knows_them(last: dict[str, Any]) -> None:
    asked = Asked({"messages": [{"role": "user", "content": "Hi"}, last]})
    assert (asked.tools, asked.uses_tools) == (0, last["role"] == "tool")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_body_is_read_without_complaint(body: dict[str, Any]) -> None:
    assert Asked(body).characters >= 0


def test_a_body_nested_as_deep_as_may_be_is_read() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert Asked({"messages": deep}).characters == 1


@pytest.mark.parametrize(
    ("body", "has_tools", "wants_reasoning"),
    [
        ({}, False, False),
        ({"tools": [{"type": "function"}]}, True, False),
        ({"functions": [{"name": "f"}]}, True, False),
        ({"reasoning_effort": "high"}, False, True),
        ({"reasoning": {"effort": "xhigh"}}, False, True),
        ({"reasoning": {"effort": "low"}}, False, False),
        ({"thinking": {"type": "enabled"}}, False, True),
    ],
)
def test_tools_and_reasoning_are_seen(body: dict[str, Any], has_tools: bool, wants_reasoning: bool) -> None:
    asked = Asked(body)
    assert (asked.uses_tools, asked.wants_reasoning) == (has_tools, wants_reasoning)
