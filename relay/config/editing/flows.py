"""Collections in braces and brackets: where members begin and end, and the commas between them."""

from __future__ import annotations

from collections.abc import Sequence

from relay.config.editing.gaps import after_break, comments, line_end, line_start, signs
from relay.config.editing.layout import Place
from relay.config.editing.pieces import Splice


def has_comments(text: str, place: Place) -> bool:
    """Whether comments stand between the members themselves."""
    bounds = [place.inside + 1, *(bound for member in place.members for bound in (member.start, member.place.end))]
    gaps = zip(bounds[::2], [*bounds[1::2], place.end], strict=True)
    return any(True for start, end in gaps for _ in comments(text, start, end))


def inserted(text: str, place: Place, position: int, written: Sequence[str]) -> Splice:
    """New members in front of the one at `position`."""
    added = ", ".join(written)
    if position < len(place.members):
        at = place.members[position].start
        return Splice(at, at, f"{added}, ")
    at = place.members[-1].place.end
    return Splice(at, at, f"{' ' if text[at - 1] == ':' else ''}, {added}")  # "a:," would be a name.


def deleted(text: str, place: Place, position: int) -> Splice:
    """A member with its comma; with its line, if it has one for itself."""
    member = place.members[position]
    start, end = member.start, member.place.end
    at, sign = next(signs(text, end, place.end), (end, ""))
    if sign == ",":
        return _with_its_line(text, start, at + 1)
    if position == 0:
        return Splice(start, end, "")
    before = place.members[position - 1].place.end
    if any(True for _ in comments(text, before, start)):
        return _with_its_line(text, start, end)  # The comma of the one before stays.
    return Splice(before, end, "")


def reordered(text: str, place: Place, order: Sequence[int]) -> list[Splice]:
    """Each member in the place of another."""
    spans = [(member.start, member.place.end) for member in place.members]
    return [Splice(*there, text[slice(*spans[which])]) for there, which in zip(spans, order, strict=True)]


def _with_its_line(text: str, start: int, end: int) -> Splice:
    first, last = line_start(text, start), line_end(text, end)
    behind = text[end:last].strip()
    if not text[first:start].strip() and (not behind or behind.startswith("#")):
        return Splice(first, after_break(text, last), "")
    while text[end : end + 1] == " ":
        end += 1
    return Splice(start, end, "")
