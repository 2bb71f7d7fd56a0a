from __future__ import annotations

import math

import pytest

from relay.config.scalars import Scalar, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o10", 8),
        ("0xFF", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: Scalar) -> None:
    assert scalar(text, is_plain=True) == value
    assert type(scalar(text, is_plain=True)) is type(value)


def test_nan_is_a_number() -> None:
    value = scalar(".nan", is_plain=True)
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize("text", ["yes", "no", "on", "1_000", "2027-01-31", "1:30", "0b1", "nan", "+.nan", "<<"])
def test_what_older_yaml_took_for_something_else_is_text(text: str) -> None:
    assert scalar(text, is_plain=True) == text


@pytest.mark.parametrize("text", ["1" * 5000, "1e400"])
def test_a_number_that_nothing_can_hold_is_infinite(text: str) -> None:
    assert scalar(text, is_plain=True) == math.inf


@pytest.mark.parametrize("text", ["12", "true", "", "null"])
def test_what_is_quoted_is_text(text: str) -> None:
    assert scalar(text, is_plain=False) == text
