"""Collections whose members stand on lines of their own: which lines and comments are a member's.

# This comment is above `a` without an empty line between, and begins in its column: it is a's.
a:
  b: 1   # This one is b's, and so it is a's.
  # This one stands among the entries of a: it is a's, but not b's.

# This one is nobody's; it keeps its place. So does one at the very start of the file, which speaks of all of it.

c: 2
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from relay.config.editing.gaps import (
    Span,
    after_break,
    begins_line,
    column_of,
    has_empty_line,
    is_blank,
    line_above,
    line_break,
    line_end,
    line_start,
)
from relay.config.editing.layout import Member, Place
from relay.config.editing.pieces import Splice


def extents(text: str, place: Place) -> list[Span]:
    """What belongs to each member: from its comments, or itself, to the end of its last line."""
    floors = [place.floor, *(member.place.end for member in place.members)]
    return [_extent(text, member, floor) for member, floor in zip(place.members, floors, strict=False)]


def inserted(text: str, place: Place, position: int, written: Sequence[Sequence[str]]) -> Splice:
    """New members, each of these lines, in front of the one at `position`."""
    spans = extents(text, place)
    is_spaced = any(has_empty_line(text, one.end, two.start) for one, two in pairwise(spans))
    end_of_line, indent = line_break(text), " " * column_of(text, place.members[0].start)
    between = end_of_line * (2 if is_spaced else 1) + indent
    added = between.join((end_of_line + indent).join(lines) for lines in written)
    if position < len(spans):
        at = spans[position].start
        return Splice(at, at, added + between)
    at = spans[-1].end
    return Splice(at, at, between + added)


def deleted(text: str, place: Place, position: int) -> Splice:
    """A member, with what is its own, and with the empty lines on one side of it where there are some on both."""
    span = extents(text, place)[position]
    start, end = line_start(text, span.start), after_break(text, span.end)
    if not begins_line(text, span.start):  # It stands behind a dash, where the next one comes to stand.
        return Splice(span.start, _behind_blanks(text, span.end), "")
    if len(place.members) == 1:
        return Splice(start, end, "")
    if position == 0:
        return Splice(start, line_start(text, _behind_blanks(text, end)), "")
    return Splice(_above_empty_lines(text, start, end), end, "")


def reordered(text: str, place: Place, order: Sequence[int]) -> list[Splice]:
    """Each member, with what is its own, in the place of another; what is between stays."""
    spans = extents(text, place)
    return [Splice(*there, text[slice(*spans[which])]) for there, which in zip(spans, order, strict=True)]


def _extent(text: str, member: Member, floor: int) -> Span:
    return Span(_start(text, member, floor), _end(text, member))


def _start(text: str, member: Member, floor: int) -> int:
    """Of the comments above, as far as they are lines of their own, behind `floor`."""
    start, column = member.start, column_of(text, member.start)
    if not begins_line(text, start):
        return start
    while (above := line_above(text, start)) is not None:
        at = above.start + column
        if at < floor or not text.startswith("#", at) or not begins_line(text, at):
            return start
        start = at
    return member.start


def _end(text: str, member: Member) -> int:
    """Of its last line, or of the comments that follow among its own members."""
    end = line_end(text, member.place.end)
    if not member.place.is_block:
        return end
    deep = max(column_of(text, member.place.members[0].start), column_of(text, member.start) + 1)
    at = after_break(text, end)
    while at < len(text):
        line = Span(at, line_end(text, at))
        if not is_blank(text, line):
            column = len(text[at : line.end]) - len(text[at : line.end].lstrip())
            if column < deep or text[at + column] != "#":
                return end
            end = line.end
        following = after_break(text, line.end)
        if following == line.end:
            return end
        at = following
    return end


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _above_empty_lines(text: str, start: int, end: int) -> int:
    """In front of the empty lines that end at `start`, if there are some from `end` on, too."""
    if not is_blank(text, Span(end, line_end(text, end))):
        return start
    while (above := line_above(text, start)) is not None and is_blank(text, above):
        start = above.start
    return start
