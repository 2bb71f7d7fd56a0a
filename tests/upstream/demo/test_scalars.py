from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.demo.scalars import FORMATS, scalar


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_its_own_sample(name: str) -> None:
    assert scalar("string", {"format": name}) == FORMATS[name]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"minLength": 6}, "demo.."),
        ({"maxLength": 2}, "de"),
        ({"minLength": 10**12}, "demo".ljust(256, ".")),
        ({"minLength": -1, "maxLength": "x", "format": "unheard of"}, "demo"),
    ],
)
def test_a_string_keeps_its_bounds(schema: dict[str, object], expected: str) -> None:
    assert scalar("string", schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, 1),
        ({"minimum": 3}, 3),
        ({"minimum": 2.5}, 3),
        ({"exclusiveMinimum": 3}, 4),
        ({"maximum": 0}, 0),
        ({"exclusiveMaximum": 1}, 0),
        ({"minimum": 7, "maximum": 20, "multipleOf": 5}, 10),
        ({"multipleOf": 5}, 5),
        ({"minimum": 1e300}, 1),
        ({"minimum": 5, "maximum": 4}, 1),
        ({"minimum": 1, "exclusiveMinimum": True}, 1),
        ({"multipleOf": 0}, 1),
    ],
)
def test_an_integer_keeps_its_bounds(schema: dict[str, object], expected: int) -> None:
    value = scalar("integer", schema)
    assert value == expected
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"minimum": 0.25, "maximum": 0.5}, 0.25),
        ({"maximum": -2.5}, -2.5),
        ({"minimum": 5, "maximum": 4}, 1.0),
    ],
)
def test_a_number_keeps_its_bounds(schema: dict[str, object], expected: float) -> None:
    assert scalar("number", schema) == expected


@given(low=st.floats(-1e6, 1e6), size=st.floats(1, 1e6))
def test_bounds_that_can_be_met_are_met(low: float, size: float) -> None:
    schema: dict[str, object] = {"minimum": low, "maximum": low + size}
    for kind in ("integer", "number"):
        value: Any = scalar(kind, schema)
        assert low <= value <= low + size
