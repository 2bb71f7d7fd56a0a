from __future__ import annotations

import pytest

from relay.errors import InvalidRequest
from relay.upstream.demo.ask import ANY_OBJECT, Speaker, Tool, Turn, choose_tool, read_schema, read_tool, read_turn

FIRST, SECOND = Tool("first", {}), Tool("second", {})
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("content", "text", "images"),
    [
        ("Hi", "Hi", 0),
        (None, "", 0),
        ([], "", 0),
        ([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}], "a\nb", 0),
        ([{"type": "output_text", "text": "a"}, {"type": "thinking", "text": "b"}], "a", 0),
        ([{"type": "text"}, {"type": "text", "text": 5}, {"text": "x"}], "", 0),
        ([{"type": "image_url"}, {"type": "input_image"}, {"type": "image"}], "", 3),
    ],
)
def test_content_is_read_in_every_spelling(content: object, text: str, images: int) -> None:
    assert read_turn(Speaker.USER, content, "content") == Turn(Speaker.USER, text, images)


@pytest.mark.parametrize("content", [5, {}, ["text"], True])
def test_content_of_another_shape_is_refused_by_name(content: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_turn(Speaker.USER, content, "messages[0].content")
    assert caught.value.facts.param == "messages[0].content"


def test_a_tool_needs_a_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_tool({}, {}, "tools[0]")
    assert caught.value.facts.param == "tools[0].name"


def test_a_tool_needs_no_schema() -> None:
    assert read_tool({"name": "f"}, None, "tools[0]") == Tool("f", {})


@pytest.mark.parametrize("choice", [None, "auto", "required", {"type": "auto"}, {"type": "any"}, 5])
def test_without_a_name_the_first_tool_is_called(choice: object) -> None:
    assert choose_tool([FIRST, SECOND], choice) is FIRST


@pytest.mark.parametrize("choice", ["none", {"type": "none"}])
def test_no_tool_is_called_when_none_may_be(choice: object) -> None:
    assert choose_tool([FIRST], choice) is None


def test_no_tool_is_called_when_there_is_none() -> None:
    assert choose_tool([], "required") is None


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "second"}},
        {"type": "function", "name": "second"},
        {"type": "tool", "name": "second"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "second"}]},
        {"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "function", "function": {"name": "second"}}]}},
    ],
)
def test_the_named_tool_is_called(choice: object) -> None:
    assert choose_tool([FIRST, SECOND], choice) is SECOND


def test_an_empty_list_of_allowed_tools_names_none() -> None:
    assert choose_tool([FIRST, SECOND], {"type": "allowed_tools", "tools": []}) is FIRST


def test_a_named_tool_must_be_offered() -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose_tool([FIRST], {"type": "tool", "name": "third"})
    assert caught.value.facts.param == "tool_choice"


@pytest.mark.parametrize(
    ("output_format", "schema"),
    [
        (None, None),
        ("json", None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, ANY_OBJECT),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema", "name": "n", "schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema"}, ANY_OBJECT),
    ],
)
def test_the_wanted_shape_is_read_in_every_spelling(output_format: object, schema: object) -> None:
    assert read_schema(output_format) == schema
