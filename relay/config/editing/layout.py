"""Where each value of a YAML text stands, from the marks of the parser's events.

    providers:          a Member "providers"; its place is a mapping
      a: {x: 1}           a Member "a"; its place is a mapping in braces (flow), with a Member "x"
      b: &k [1, 2]        a Member "b"; its place begins at the "&", and its inside at the "["
      <<: *k              a Member without a name; its place is an alias

Only for texts that `relay.config.document` could read without a flaw, so that names are text and depth is bounded.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from relay.config.document import is_merge, text_of
from relay.config.editing.gaps import BREAKS, Span, signs

_BLANK_LINES = re.compile(f"(?:\r\n|[{BREAKS}])[\\s]*\\Z")


class Kind(enum.Enum):
    """What stands at a place."""

    SCALAR = "one value"
    ALIAS = "*name"
    MAPPING = "a mapping"
    LIST = "a list"


@dataclass(frozen=True, slots=True)
class Place:
    """A value where it stands. A scalar that is left out (`key:`) is empty: it ends where it starts."""

    kind: Kind
    start: int
    """Of the anchor, if it has one."""
    inside: int
    """Behind the anchor, if it has one."""
    end: int
    """Behind its last character; comments and blank lines that follow are not in it."""
    is_flow: bool = False
    """Whether a collection stands in braces or brackets; those in it do so as well."""
    members: tuple[Member, ...] = ()
    floor: int = 0
    """Of a collection: where the colon or dash before it ends, and what is in it may begin."""

    @property
    def is_block(self) -> bool:
        """Whether it is a collection with its members on lines of their own."""
        return bool(self.members) and not self.is_flow

    @property
    def has_merge(self) -> bool:
        """Whether some of its entries are those of another mapping, by `<<`."""
        return any(member.name is None for member in self.members)


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of a mapping, or an item of a list."""

    name: str | int | None
    """The position for items; None for `<<`, which is no entry itself."""
    start: int
    """Of the name; of the dash, or in brackets of the item itself."""
    named: int
    """Behind the name; `after` for items."""
    after: int
    """Behind the colon or dash."""
    lead: str
    """What to write at `after` in front of a value where there is none."""
    is_explicit: bool
    """Whether it is written with a `?`."""
    place: Place


def layout_of(text: str, events: Iterable[Event]) -> Place:
    """The root's place: the end, for a text without any value."""
    stream = iter(events)
    next(stream)  # the start of the stream
    event = next(stream)
    if isinstance(event, StreamEndEvent):
        return Place(Kind.SCALAR, len(text), len(text), len(text))
    after = event.end_mark.index if getattr(event, "explicit", False) else 0
    return _Layout(text, stream).place(next(stream), after)


@dataclass(frozen=True, slots=True)
class _Layout:
    text: str
    events: Iterator[Event]
    anchored: dict[str, str] = field(default_factory=dict)
    """Texts by their anchors: an alias may stand for a name."""

    def place(self, event: Event, after: int) -> Place:
        """The place that begins with `event`, somewhere behind `after`; takes its other events off the stream."""
        start, end = _span(event)
        if isinstance(event, AliasEvent):
            return Place(Kind.ALIAS, start, start, end)
        anchor: str | None = getattr(event, "anchor", None)
        inside = start if anchor is None else start + 1 + len(anchor)
        if not isinstance(event, ScalarEvent):
            return self._collection(event, start, inside, after)
        if anchor is not None:
            self.anchored[anchor] = text_of(event)
        if start == end:  # Left out: the mark is that of whatever comes next.
            return Place(Kind.SCALAR, after, after, after)
        blank = _BLANK_LINES.search(self.text, start, end) if event.style in {"|", ">"} else None
        return Place(Kind.SCALAR, start, inside, blank.start() if blank else end)

    def _collection(self, event: Event, start: int, inside: int, floor: int) -> Place:
        opened = event.end_mark.index
        is_bracketed = opened > event.start_mark.index and self.text[opened - 1] in "{["
        is_flow = bool(getattr(event, "flow_style", False))
        kind = Kind.MAPPING if isinstance(event, MappingStartEvent) else Kind.LIST
        take = self._entries if kind is Kind.MAPPING else self._flow_items if is_flow else self._block_items
        members, last = take(opened if is_bracketed else inside)
        # `[a: b]` has a mapping without braces.
        end = last.end_mark.index if is_bracketed else members[-1].place.end
        return Place(kind, start, inside, end, is_flow, members, floor)

    def _entries(self, cursor: int) -> tuple[tuple[Member, ...], Event]:
        members: list[Member] = []
        while not isinstance(event := next(self.events), MappingEndEvent):
            members.append(self._entry(event, cursor))
            cursor = members[-1].place.end
        return tuple(members), event

    def _entry(self, key: Event, cursor: int) -> Member:
        start, named = _span(key)
        is_explicit = any(sign == "?" for _, sign in signs(self.text, cursor, start))
        name = self._name(key)
        value = next(self.events)
        at, sign = next(signs(self.text, named, value.start_mark.index), (named, ""))
        after, lead = (at + 1, " ") if sign == ":" else (named, ": ")
        return Member(name, start, named, after, lead, is_explicit, self.place(value, after))

    def _name(self, key: Event) -> str | None:
        if not isinstance(key, ScalarEvent):
            return self.anchored[getattr(key, "anchor", "")]
        if is_merge(key):
            return None
        if key.anchor is not None:
            self.anchored[key.anchor] = text_of(key)
        return text_of(key)

    def _block_items(self, cursor: int) -> tuple[tuple[Member, ...], Event]:
        members: list[Member] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            dash, _ = next(signs(self.text, cursor, len(self.text)))
            after = dash + 1
            members.append(Member(len(members), dash, after, after, " ", False, self.place(event, after)))
            cursor = members[-1].place.end
        return tuple(members), event

    def _flow_items(self, _cursor: int) -> tuple[tuple[Member, ...], Event]:
        members: list[Member] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            start, _ = _span(event)
            members.append(Member(len(members), start, start, start, "", False, self.place(event, start)))
        return tuple(members), event


def _span(event: Event) -> Span:
    return Span(event.start_mark.index, event.end_mark.index)
