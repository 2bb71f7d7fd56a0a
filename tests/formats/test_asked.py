from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.asked import Asked, read_asked

NOTHING = Asked(0, 0, has_images=False, tools=0, has_schema=False, wants_reasoning=False)
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
    assert read_asked(body).characters == characters


@pytest.mark.parametrize("kind", ["image", "image_url", "input_image"])
def test_images_of_every_dialect_are_seen_however_deep(kind: str) -> None:
    result = {"type": "tool_result", "content": [{"type": kind}]}
    assert read_asked({"messages": [{"role": "user", "content": [result]}]}).has_images


def test_a_body_with_nothing_asks_for_nothing() -> None:
    assert read_asked({"model": "m", "image": "x"}) == NOTHING


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_body_is_read_without_complaint(body: dict[str, Any]) -> None:
    assert read_asked(body).characters >= 0


def test_a_body_nested_as_deep_as_may_be_is_read() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert read_asked({"messages": deep}).characters == 1


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
    asked = read_asked(body)
    assert (asked.has_tools, asked.wants_reasoning) == (has_tools, wants_reasoning)
