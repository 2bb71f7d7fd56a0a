"""Strategies for JSON: any value at all, and values that look like schemas and like request bodies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = st.SearchStrategy[Any]

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | _TEXTS

FIELDS = [
    "audio",
    "cache",
    "content",
    "dimensions",
    "encoding_format",
    "input",
    "instructions",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "messages",
    "n",
    "name",
    "output",
    "output_config",
    "prompt",
    "response_format",
    "role",
    "stop",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "text",
    "tool_choice",
    "tools",
    "type",
]


def json_values() -> Json:
    return st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=4) | _objects(inner), max_leaves=12)


def schemas() -> Json:
    """Schemas of which a part is nonsense, with references to their own root and definitions."""
    refs = st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/nowhere", ""])
    kinds = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array", "colour"])
    sizes = st.integers(-1, 10**12)
    leaves = st.fixed_dictionaries(
        {},
        optional={"type": kinds | st.lists(kinds), "$ref": refs, "enum": st.lists(_SCALARS), "minimum": _SCALARS}
        | {"minItems": sizes, "maxItems": sizes, "minLength": sizes, "multipleOf": _SCALARS, "const": _SCALARS},
    )
    return st.recursive(leaves | _SCALARS, _schemas_around, max_leaves=16)


def _schemas_around(inner: Json) -> Json:
    names = st.sampled_from("abcd")
    several = st.lists(inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={"properties": st.dictionaries(names, inner), "required": st.lists(names), "items": inner}
        | {"$defs": st.dictionaries(names, inner), "anyOf": several, "oneOf": several, "allOf": several}
        | {"prefixItems": several, "minItems": st.integers(0, 20), "$ref": st.sampled_from(["#", "#/$defs/a"])},
    )


def bodies() -> Json:
    """Objects with fields that the demo reads, each holding what it should or anything else."""
    fields = st.sampled_from(FIELDS)
    parts = st.dictionaries(fields, json_values() | _plausible(), max_size=5)
    return st.dictionaries(fields, st.one_of(parts, st.lists(parts, max_size=3), json_values(), _plausible()))


def _plausible() -> Json:
    words = ["user", "assistant", "tool", "system", "text", "image", "tool_result", "function", "none", "any"]
    words += ["json_schema", "json_object", "function_call_output", "message", "base64", "allowed_tools"]
    turns = st.lists(st.fixed_dictionaries({"role": st.sampled_from(words), "content": json_values()}), min_size=1)
    return st.sampled_from(words) | st.integers(1, 9) | st.booleans() | turns


def _objects(inner: Json) -> Json:
    return st.dictionaries(_TEXTS, inner, max_size=4)
