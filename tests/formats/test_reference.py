"""The reader that the tests believe in, held against examples of the standard itself."""

from __future__ import annotations

import pytest

from tests.formats import reference
from tests.formats.reference import Message


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Message("", b"YHOO\n+2\n10")]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
         [Message("", b"first event"), Message("", b"second event")]),
        (b"data\n\ndata\ndata\n\ndata:", [Message("", b""), Message("", b"\n")]),
        (b"data:test\n\ndata: test\n\n", [Message("", b"test"), Message("", b"test")]),
        (b"event: add\r\ndata: 73857293\r\n\r\n", [Message("add", b"73857293")]),
        (b"\xef\xbb\xbfdata: marked\r\r", [Message("", b"marked")]),
    ],
)  # fmt: skip
def test_the_standards_examples_are_read(stream: bytes, messages: list[Message]) -> None:
    assert reference.read(stream) == messages


def test_boundaries_are_behind_empty_lines_only() -> None:
    assert reference.boundaries(b"a\r\n\r\nb\n\nc\r\r\n") == {0, 4, 5, 8, 11, 12}
