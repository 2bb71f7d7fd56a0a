from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.quantities import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5", 5),
        ("1.5", 1.5),
        ("250ms", 0.25),
        ("90s", 90),
        ("5m", 300),
        ("5 m", 300),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1.5h", 5400),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1S", "1 day", "5mm", "1e3", ".5s", "1_000", "٣s", "9" * 400, " 5s"])
def test_other_texts_are_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("100", 100), ("100B", 100), ("10KiB", 10_240), ("64MiB", 2**26), ("1 GiB", 2**30), ("2TiB", 2**41)],
)
def test_a_size_is_bytes_or_has_a_unit(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5GiB", "1MB", "1mib", "1e3", "9" * 400, "٣B"])
def test_other_texts_are_no_size(text: str) -> None:
    assert parse_size(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0"), (0.25, "250ms"), (5, "5s"), (60, "1m"), (90, "90s"), (3600, "1h"), (604_800, "7d")]
)
def test_a_duration_is_shown_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("size_bytes", "text"), [(0, "0"), (100, "100B"), (2**26, "64MiB"), (2**30, "1GiB")])
def test_a_size_is_shown_in_its_largest_whole_unit(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@given(st.integers(0, 10**12))
def test_a_duration_that_is_shown_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 2**49))
def test_a_size_that_is_shown_is_read_back(size_bytes: int) -> None:
    assert parse_size(format_size(size_bytes)) == size_bytes
