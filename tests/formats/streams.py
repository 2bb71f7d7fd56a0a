"""The golden streams, and ways to cut a stream and to send its pieces through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from relay.formats.openai_chat import is_usage_only
from relay.formats.passing import PassingStream
from relay.formats.registry import DIALECTS
from relay.model import Dialect
from tests.formats import reference

FOLDER = Path(__file__).parent.parent / "golden"
REQUEST_ID = "req_1"


@dataclass(frozen=True, slots=True)
class Golden:
    """One recorded-looking stream. Its file's name says how it ends: `unended-*`, `error-*`, all others are whole."""

    dialect: Dialect
    name: str
    stream: bytes

    def __str__(self) -> str:
        return f"{self.dialect}-{self.name}"

    @property
    def has_an_error(self) -> bool:
        return self.name.startswith("error-")

    @property
    def is_whole(self) -> bool:
        return not self.has_an_error and not self.name.startswith("unended-")

    @property
    def end_begins(self) -> int:
        """Where the last event begins: the end mark of a whole stream."""
        return max(index for index in reference.boundaries(self.stream) if self.stream[index:].strip(b"\r\n"))

    def passing(self, **options: Any) -> PassingStream:
        """A new stream to pass this one through."""
        return PassingStream(DIALECTS[self.dialect], REQUEST_ID, **options)


@cache
def goldens() -> tuple[Golden, ...]:
    """Every file of every dialect."""
    return tuple(
        Golden(dialect, path.stem, path.read_bytes())
        for dialect in DIALECTS
        for path in sorted((FOLDER / dialect).glob("*.sse"))
    )


def of(dialect: Dialect, name: str) -> Golden:
    """The golden stream of this name."""
    return next(golden for golden in goldens() if (golden.dialect, golden.name) == (dialect, name))


def each(chosen: Iterable[Golden]) -> pytest.MarkDecorator:
    """Runs a test with each of these streams."""
    return pytest.mark.parametrize("golden", list(chosen), ids=str)


every_golden = each(goldens())
every_whole_golden = each(golden for golden in goldens() if golden.is_whole)


def cuts(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to cut a stream into pieces, some of them empty."""
    indexes = st.lists(st.integers(0, len(stream)), max_size=25)
    return indexes.map(lambda chosen: cut(stream, chosen))


def cut(stream: bytes, indexes: Iterable[int]) -> list[bytes]:
    """The pieces between these indexes."""
    ends = [*sorted(indexes), len(stream)]
    return [stream[start:end] for start, end in pairwise([0, *ends])]


def single_bytes(stream: bytes) -> list[bytes]:
    """The smallest pieces there are."""
    return [bytes([byte]) for byte in stream]


def passed(transform: PassingStream, pieces: Iterable[bytes]) -> bytes:
    """All that comes out, up to a clean end."""
    return b"".join(map(transform.feed, pieces)) + transform.finish()


def without_usage(stream: bytes) -> bytes:
    """The stream as a client sees it that asked for no usage: each event cut out by the reference's boundaries."""
    ends = sorted(reference.boundaries(stream))
    events = [stream[start:end] for start, end in pairwise(ends)]
    kept, hides_line_end = [], False
    for event in events:
        is_half_of_crlf = event == b"\n" and hides_line_end
        hides_line_end = is_usage_only(event)
        if not hides_line_end and not is_half_of_crlf:
            kept.append(event)
    return b"".join(kept)
