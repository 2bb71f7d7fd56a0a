"""Server-sent events as bytes: where an event ends, and what is in it.

    HTML Living Standard, 9.2 "Server-sent events"; lines end with CR, LF or CRLF, an event ends with an empty line.

Bytes are cut, never decoded and never re-encoded: U+2028 and friends are content, and a character may arrive in
halves. Nothing here knows what an event means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay import faults

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The longest unfinished event that is held. The largest real ones are images in base64, of up to 10 MB."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_EVENT_END = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)")
_EVENT_ENDS = (b"\n\n", b"\n\r", b"\r\r")
"""Two line ends in a row always hold one of these pairs, and nothing else does."""
_BOM = b"\xef\xbb\xbf"


class EventSplitter:
    """Holds back the unfinished tail of a stream, so that what comes out always ends where an event ends.

    The concatenation of everything `feed` returned and `tail` is the input, byte for byte.
    """

    def __init__(self) -> None:
        self._tail = bytearray()

    @property
    def tail(self) -> bytes:
        """What has come since the last event end."""
        return bytes(self._tail)

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived; give all events that are complete by now, b"" where none is.

        Raises UpstreamError (`event_too_large`) when the tail outgrows MAX_EVENT_BYTES.
        """
        if not self._tail and data.endswith(b"\n\n"):
            return data  # The usual read: whole events, nothing held.
        complete = self._cut(data)
        if len(self._tail) > MAX_EVENT_BYTES:
            raise faults.event_too_large(MAX_EVENT_BYTES)
        return complete

    def _cut(self, data: bytes) -> bytes:
        """The events that `data` completes; the rest becomes the tail."""
        tail = self._tail
        if b"\r" not in data and b"\r" not in tail and (cut := data.rfind(b"\n\n") + 2) >= 2:
            complete = bytes(tail) + data[:cut]  # The usual read of a fast stream: whole events and a part.
            tail[:] = data[cut:]
            return complete
        seen = len(tail)
        tail += data
        cut = self._last_event_end(seen)
        complete = bytes(tail[:cut])
        del tail[:cut]
        return complete

    def _last_event_end(self, seen: int) -> int:
        """Index behind the last empty line; only the new bytes and the two before them are searched."""
        tail = self._tail
        if len(tail) <= 2 and not tail.strip(b"\r\n"):
            return len(tail)  # Line ends right behind an event end, such as the LF of a CRLF cut in two.
        # Half of the CRLF that ends an event waits for the other half, so that the event comes out whole.
        stop = len(tail) - 1 if tail.endswith(b"\n\r") else len(tail)
        start = max(0, seen - 2)
        last = max(tail.rfind(pair, start, stop) for pair in _EVENT_ENDS)
        if last < 0:
            return 0
        end = last + 2
        return end + 1 if tail[end - 1 : end + 1] == b"\r\n" else end


def split_events(block: bytes) -> Iterator[bytes]:
    """Cut complete events apart, each with the empty line that ends it; their concatenation is the block."""
    start = 0
    for match in _EVENT_END.finditer(block):
        yield block[start : match.end()]
        start = match.end()
    if start < len(block):
        yield block[start:]


def find_events(block: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Start and end of each event in which `pattern` is found; only these are looked at.

    A block may hold a thousand events, and as a rule one of them is of interest.
    """
    ends = _EVENT_ENDS if b"\r" in block else _EVENT_ENDS[:1]
    end = 0
    while (found := pattern.search(block, end)) is not None:
        start = _event_start(block, end, found.start(), ends)
        match = _EVENT_END.search(block, found.start())
        end = len(block) if match is None else match.end()
        yield start, end


def _event_start(block: bytes, low: int, inside: int, ends: Sequence[bytes]) -> int:
    """Where the event begins that holds the byte at `inside`; no event begins before `low`."""
    last = max(block.rfind(pair, low, inside) for pair in ends)
    if last < 0:
        return low
    start = last + 2
    return start + 1 if block[start - 1 : start + 1] == b"\r\n" else start


def is_silent(raw: bytes) -> bool:
    """Whether there is nothing here but comments and empty lines, the last of which may be unfinished."""
    return all(not line or line.startswith(b":") for line in _LINE_END.split(raw.removeprefix(_BOM)))


@dataclass(frozen=True, slots=True)
class Event:
    """One event, read. Comments, ids and retry times are left out: no dialect uses them."""

    name: str
    """The `event:` field; empty where there is none."""
    data: bytes | None
    """The `data:` lines joined by LF; None for an event without any, such as a comment."""


def read_event(raw: bytes) -> Event:
    """Read one event as `split_events` gives it."""
    name, data = "", []
    for line in _LINE_END.split(raw.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return Event(name, b"\n".join(data) if data else None)


def write_event(data: bytes, name: str = "") -> bytes:
    """Write one event of one data line, LF only. `data` holds no line end (compact JSON never does)."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"
