from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.upstream.demo.sample import MAX_VALUES, sample
from relay.upstream.demo.wire import to_json
from tests.upstream.demo.json_values import json_values, schemas


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "demo"),
        ({"type": "integer"}, 1),
        ({"type": "number"}, 1),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "object"}, {}),
        ({"type": ["null", "integer"]}, 1),
        ({"type": ["null"]}, None),
        ({"type": "colour"}, "demo"),
        ({}, "demo"),
        (True, "demo"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"items": {"type": "integer"}}, [1]),
    ],
)
def test_each_type_has_its_sample(schema: object, expected: object) -> None:
    assert sample(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "const": "x"}, "x"),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"type": "integer", "default": 7}, 7),
        ({"type": ["string", "null"], "default": None}, None),
        ({"type": "string", "examples": ["e", "f"]}, "e"),
        ({"enum": []}, "demo"),
    ],
)
def test_a_value_named_in_the_schema_is_taken(schema: object, expected: object) -> None:
    assert sample(schema) == expected


def test_only_required_properties_are_filled() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]}
    assert sample(schema) == {"b": "demo"}


def test_all_properties_are_filled_when_none_is_required() -> None:
    assert sample({"type": "object", "properties": {"a": {}, "b": {"type": "integer"}}}) == {"a": "demo", "b": 1}


def test_a_required_property_without_a_schema_is_filled_too() -> None:
    assert sample({"type": "object", "required": ["x"]}) == {"x": "demo"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"items": {"type": "null"}, "minItems": 3}, [None] * 3),
        ({"items": {"type": "null"}, "maxItems": 0}, []),
        ({"items": {}, "minItems": 10**9}, ["demo"] * 16),
        ({"prefixItems": [{"type": "integer"}, {"type": "null"}]}, [1, None]),
        ({"prefixItems": [{"type": "integer"}], "items": {}, "minItems": 2}, [1, "demo"]),
    ],
)
def test_an_array_has_as_many_items_as_it_must(schema: object, expected: object) -> None:
    assert sample(schema) == expected


def test_a_reference_is_followed() -> None:
    schema = {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}
    assert sample(schema) == 1


@pytest.mark.parametrize("ref", ["#/$defs/missing", "https://example.com/schema", "other.json#/a", ""])
def test_a_reference_to_nowhere_gives_a_string(ref: str) -> None:
    assert sample({"$ref": ref}) == "demo"


def test_a_list_of_nodes_ends_after_one() -> None:
    node = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
        "required": ["value", "next"],
    }
    assert sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}}) == {"value": 1, "next": None}


def test_a_tree_of_nodes_ends_with_no_children() -> None:
    node = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}
    assert sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}}) == {"children": []}


def test_an_optional_property_that_repeats_its_object_is_left_out() -> None:
    node = {"type": "object", "properties": {"id": {"type": "integer"}, "parent": {"$ref": "#/$defs/Node"}}}
    assert sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}}) == {"id": 1}


def test_a_schema_without_an_end_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}
    assert sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}}) == {"next": {}}


@pytest.mark.parametrize("combiner", ["anyOf", "oneOf"])
def test_the_first_alternative_is_taken_with_what_stands_beside_it(combiner: str) -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, combiner: [{"required": ["b"]}, {"required": ["a"]}]}
    assert sample(schema) == {"b": "demo"}


def test_all_of_unites_its_parts() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "null"}}, "required": ["b"]}],
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
    }
    assert sample(schema) == {"a": 1, "b": None}


def test_a_long_value_that_is_repeated_uses_up_the_budget() -> None:
    item = {"type": "array", "minItems": 16, "items": {"const": "x" * 70_000}}
    value = sample({"type": "array", "minItems": 16, "items": item})
    assert len(to_json(value)) < 3 * 70_000


def test_a_long_name_that_is_repeated_uses_up_the_budget() -> None:
    item = {"type": "object", "properties": {"n" * 70_000: {}, "other": {}}}
    assert len(to_json(sample({"type": "array", "minItems": 16, "items": item}))) < 3 * 70_000


def test_a_wide_and_deep_schema_is_bounded() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(20):
        schema = {"type": "array", "minItems": 16, "items": schema}
    assert to_json(sample(schema)).count(b"1") <= MAX_VALUES


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ({"type": "object", "properties": {"a": {}}}, {}),
        ({"type": "array", "items": {}}, []),
        ({"enum": ["x"]}, "demo"),
    ],
)
def test_beyond_the_deepest_level_stands_the_least_value(kind: object, least: object) -> None:
    schema = kind
    for _ in range(24):
        schema = {"type": "array", "items": schema}
    value: Any = sample(schema)
    for _ in range(24):
        value = value[0]
    assert value == least


def test_long_descriptions_use_up_nothing() -> None:
    properties = {f"p{number}": {"type": "null", "description": "x" * 10_000} for number in range(50)}
    assert sample({"type": "object", "properties": properties}) == dict.fromkeys(properties)


def test_a_wide_schema_that_is_repeated_uses_up_the_budget() -> None:
    wide = {"type": "object", "properties": {f"p{number}": {"type": "null"} for number in range(5_000)}}
    schema = {"type": "array", "minItems": 16, "items": {"allOf": [wide] * 5_000}}
    assert len(to_json(sample(schema))) < 100_000


@given(st.one_of(json_values(), schemas()))
@settings(deadline=None)
def test_every_schema_has_a_sample_of_bounded_size(schema: object) -> None:
    assert len(to_json(sample(schema))) < 500_000


@given(schemas())
@settings(deadline=None)
def test_the_same_schema_has_the_same_sample(schema: object) -> None:
    assert to_json(sample(schema)) == to_json(sample(schema))
