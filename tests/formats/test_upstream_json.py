"""JSON of providers, read generously."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.upstream_json import NotJson, read_json


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        (b'{"content": "cut \\ud83d"}', {"content": "cut \ud83d"}),
        (b"-Infinity", -math.inf),
    ],
)
def test_what_a_client_could_read_is_read(data: bytes, expected: object) -> None:
    assert read_json(data) == pytest.approx(expected) if isinstance(expected, float) else read_json(data) == expected


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b"\xff\xfe\xfd", b"[" * 100_000, b"data: {}"])
def test_anything_else_is_not_json(data: bytes) -> None:
    with pytest.raises(NotJson):
        read_json(data)


@given(st.binary())
def test_any_bytes_give_a_document_or_not_json(data: bytes) -> None:
    with suppress(NotJson):
        read_json(data)
