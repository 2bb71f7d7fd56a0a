"""A second reader of event streams, as slow and as plain as the standard reads: one byte after the other.

HTML Living Standard, 9.2.6 "Interpreting an event stream"
"""

from __future__ import annotations

from dataclasses import dataclass

CR, LF = b"\r", b"\n"


@dataclass(frozen=True, slots=True)
class Message:
    """An event that says something: a name or data, or both."""

    name: str
    data: bytes | None


def lines(stream: bytes) -> list[tuple[bytes, int]]:
    """All finished lines, each with the index behind its line end (behind the CR of a CRLF)."""
    found, line, last = [], b"", b""
    for index, byte in enumerate(stream):
        character = bytes([byte])
        if character == CR or (character == LF and last != CR):
            found.append((line, index + 1))
            line = b""
        elif character != LF:
            line += character
        last = character
    return found


def boundaries(stream: bytes) -> set[int]:
    """Every index at which a reader is between two events: behind an empty line, and behind the LF of its CRLF."""
    ends = {index for line, index in lines(stream) if not line}
    return {0} | ends | {end + 1 for end in ends if stream[end - 1 : end + 1] == CR + LF}


def read(stream: bytes) -> list[Message]:
    """All finished events that say something."""
    messages: list[Message] = []
    name = ""
    data: list[bytes] = []
    for line, _ in lines(stream.removeprefix(b"\xef\xbb\xbf")):
        if not line:
            if name or data:
                messages.append(Message(name, b"\n".join(data) if data else None))
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"event":
            name = value.decode("utf-8", "replace")
        if field == b"data":
            data.append(value)
    return messages
