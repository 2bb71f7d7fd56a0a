"""What stands between the values of a YAML text: blanks, line ends, indicators and comments.

Only for places that the parser found to be outside of every value and name: there a `#` always begins a comment.
Positions are indices into the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

BREAKS = "\n\r\x85\u2028\u2029"
"""What ends a line, and with it a comment, for the parser."""

_BREAK = re.compile(f"\r\n|[{BREAKS}]")
_EMPTY_LINE = re.compile(f"(?>\r\n|[{BREAKS}])[ \t]*[{BREAKS}]")
_COMMENT_OR_SIGN = re.compile(f"#[^{BREAKS}]*|[^\\s\ufeff]")
_BOM = "\ufeff"


class Span(NamedTuple):
    """A part of the text; the end is behind its last character."""

    start: int
    end: int


def line_start(text: str, at: int) -> int:
    """Where the line of `at` begins; a byte order mark is before the first one."""
    start = max(text.rfind(sign, 0, at) for sign in BREAKS) + 1
    return 1 if start == 0 and text.startswith(_BOM) else start


def line_end(text: str, at: int) -> int:
    """Where the line of `at` ends, before its line break."""
    found = _BREAK.search(text, at)
    return found.start() if found else len(text)


def after_break(text: str, at: int) -> int:
    """Behind the line break that is at `at`; `at` itself where there is none."""
    found = _BREAK.match(text, at)
    return found.end() if found else at


def line_above(text: str, at: int) -> Span | None:
    """The line before that of `at`, without its line break; None for the first one."""
    end = line_start(text, at)
    if end == line_start(text, 0):
        return None
    end -= 2 if text.startswith("\r\n", end - 2) else 1
    return Span(line_start(text, end), end)


def has_empty_line(text: str, start: int, end: int) -> bool:
    return _EMPTY_LINE.search(text, start, end) is not None


def is_blank(text: str, span: Span) -> bool:
    return not text[span.start : span.end].strip()


def column_of(text: str, at: int) -> int:
    return at - line_start(text, at)


def begins_line(text: str, at: int) -> bool:
    """Whether only blanks stand before it in its line."""
    return not text[line_start(text, at) : at].strip()


def comments(text: str, start: int, end: int) -> Iterator[Span]:
    """The comments of a gap."""
    return (Span(*found.span()) for found in _found(text, start, end) if found[0].startswith("#"))


def signs(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """(position, character) of what is neither blank nor comment in a gap."""
    return ((found.start(), found[0]) for found in _found(text, start, end) if not found[0].startswith("#"))


def line_break(text: str) -> str:
    """How this text ends its lines."""
    found = _BREAK.search(text)
    return "\r\n" if found and found[0] == "\r\n" else "\n"


def _found(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    return _COMMENT_OR_SIGN.finditer(text, start, end)
