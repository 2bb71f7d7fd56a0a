"""Which pieces of a text a step replaces. What is not in them stays as it is, byte for byte.

Every result is read again by `relay.config.edit`, so that an unusual form is refused where it would be misread here.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.config.editing import blocks, flows
from relay.config.editing.gaps import begins_line, column_of, line_break, line_end
from relay.config.editing.layout import Member
from relay.config.editing.notation import entry, flow_entry, inline, is_short, item, lines, quoted
from relay.config.editing.pieces import Splice
from relay.config.editing.sites import Site
from relay.config.editing.steps import Delete, Impossible, InsertEntries, InsertItems, Put, Rename, Step
from relay.config.findings import KeyPath


def splices(site: Site, step: Step) -> list[Splice]:
    """What a step replaces. Raises Impossible."""
    match step:
        case Put(_, value):
            return _put(site, value)
        case InsertEntries(_, entries, position):
            return _entries_inserted(site, entries, position)
        case InsertItems(_, values, position):
            return _items_inserted(site, values, position)
        case Delete():
            return [_deleted(site)] if _leaves_others(site) else _emptied(site)
        case Rename(_, name):
            return [_renamed(site, name)]
        case _:
            return _reordered(site, step.path, step.order)


def _entries_inserted(site: Site, entries: Sequence[tuple[str, object]], position: int) -> list[Splice]:
    if not site.place.members:
        return _filled(site, dict(entries), [flow_entry(*pair) for pair in entries])
    if site.place.is_flow:
        return [flows.inserted(site.text, site.place, position, [flow_entry(*pair) for pair in entries])]
    return [blocks.inserted(site.text, site.place, position, [entry(*pair) for pair in entries])]


def _items_inserted(site: Site, values: Sequence[object], position: int) -> list[Splice]:
    if not site.place.members:
        return _filled(site, list(values), [inline(value) for value in values])
    if site.place.is_flow:
        return [flows.inserted(site.text, site.place, position, [inline(value) for value in values])]
    return [blocks.inserted(site.text, site.place, position, [item(value) for value in values])]


def _filled(site: Site, value: object, members: Sequence[str]) -> list[Splice]:
    """What was empty gets all of its value."""
    place = site.place
    if place.is_flow and flows.has_comments(site.text, place):
        return [Splice(place.inside + 1, place.inside + 1, f"{', '.join(members)} ")]
    return _put(site, value) if site.members else _begun(site, value)


def _begun(site: Site, value: object) -> list[Splice]:
    """The first entries of a document."""
    text, place = site.text, site.place
    end_of_line = line_break(text) + " " * column_of(text, place.start)
    if begins_line(text, place.start):
        last = line_break(text) if place.start == len(text) else ""
        return [Splice(place.start, place.end, end_of_line.join(lines(value)) + last)]
    end = line_end(text, place.end)  # Of the line with '---'.
    return [
        Splice(place.start, place.end, ""),
        Splice(end, end, "".join(line_break(text) + line for line in lines(value))),
    ]


def _leaves_others(site: Site) -> bool:
    return len(site.holder.place.members) > 1 or site.holder.place.is_flow


def _deleted(site: Site) -> Splice:
    place = site.holder.place
    if place.is_flow:
        return flows.deleted(site.text, place, site.position)
    return blocks.deleted(site.text, place, site.position)


def _emptied(site: Site) -> list[Splice]:
    """A collection on lines of its own without its last member."""
    text, place = site.text, site.holder.place
    (span,) = blocks.extents(text, place)
    if not site.holder.members:
        return [Splice(span.start, span.end, "{}")]
    member = site.holder.members[-1]
    empty = " {}" if isinstance(site.members[-1].name, str) else " []"
    if not begins_line(text, place.members[0].start):
        return [Splice(member.after, span.end, empty)]
    return [Splice(member.after, _anchored(member), empty), blocks.deleted(text, place, 0)]


def _renamed(site: Site, name: str) -> Splice:
    member = site.members[-1]
    is_quoted = site.text[member.start] in "\"'"
    return Splice(member.start, member.named, quoted(name) if is_quoted else inline(name))


def _reordered(site: Site, path: KeyPath, order: Sequence[str | int]) -> list[Splice]:
    place = site.place
    positions = [next(at for at, member in enumerate(place.members) if member.name == name) for name in order]
    if place.is_flow and flows.has_comments(site.text, place):
        raise Impossible(path, "has comments in its braces or brackets, which would stay behind: edit the file by hand")
    if place.is_flow:
        return flows.reordered(site.text, place, positions)
    return blocks.reordered(site.text, place, positions)


def _put(site: Site, value: object) -> list[Splice]:
    place = site.place
    if is_short(value) or site.holder.place.is_flow or (place.is_flow and place.members):
        return _put_inline(site, inline(value))
    return _put_lines(site, lines(value))


def _put_inline(site: Site, written: str) -> list[Splice]:
    text, member, place = site.text, site.members[-1], site.place
    if place.start == place.end:
        return [Splice(member.after, member.after, member.lead + written)]
    if not place.is_block:
        return [Splice(place.start, place.end, written)]
    if not begins_line(text, place.members[0].start):
        return [Splice(member.after, place.end, member.lead + written)]
    name_end = line_end(text, _anchored(member))  # A comment behind the name stays.
    return [
        Splice(member.after, _anchored(member), member.lead + written),
        Splice(name_end, line_end(text, place.end), ""),
    ]


def _put_lines(site: Site, written: Sequence[str]) -> list[Splice]:
    """Below the name, indented from it; behind a dash, where nothing says otherwise."""
    text, member, place = site.text, site.members[-1], site.place
    end_of_line = line_break(text) + " " * (column_of(text, member.start) + 2)
    below = end_of_line + end_of_line.join(written)
    if isinstance(member.name, int) and not (place.is_block and begins_line(text, place.members[0].start)):
        return [Splice(member.after, place.end, " " + end_of_line.join(written))]
    if place.is_block:
        name_end = line_end(text, _anchored(member))
        return [Splice(member.after, _anchored(member), ""), Splice(name_end, line_end(text, place.end), below)]
    end = line_end(text, place.end)
    return [Splice(member.after, place.end, ""), Splice(end, end, below)]


def _anchored(member: Member) -> int:
    """Behind the anchor of a member's value, which goes with it; behind the colon or dash where there is none."""
    return member.place.inside if member.place.inside > member.place.start else member.after
