"""YAML text as a tree that knows its lines.

Built from ruamel's events and not from its objects, since only there can a small text be refused that would unfold to
a huge one (aliases of aliases), and since a value is then exactly what YAML 1.2 says: `no` is text, and so is a date.
Messages never quote the text: it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from relay.config.display import shown
from relay.config.scalars import Scalar, scalar
from relay.config.syntax import Unreadable, events_of, line_of

MAX_NODES = 200_000
MAX_DEPTH = 64
"""The deepest option is at 6; free-form `params` get the rest. Keeps recursion here and in pydantic shallow."""


class Entry(NamedTuple):
    """A value at its place: what differs between two uses of one anchor is the line."""

    line: int
    """1-based; of the key in a mapping, of the item in a list."""
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the file; an anchor and its aliases share one."""

    value: Scalar | Mapping[str, Entry] | tuple[Entry, ...]


class Flaw(NamedTuple):
    """Something wrong with the text as YAML."""

    line: int
    path: tuple[str | int, ...]
    message: str


class Document(NamedTuple):
    """A text that could be read; with flaws, the rest of it can still be checked."""

    root: Node
    flaws: tuple[Flaw, ...]


def read(text: str) -> Document:
    """The one document of `text`, an empty mapping when there is none. Raises Unreadable."""
    return read_events(events_of(text))


def read_events(events: Iterator[Event]) -> Document:
    """The same from the parser's events, of which no more are taken than a document may have."""
    next(events)  # the start of the stream
    event = next(events)
    if isinstance(event, StreamEndEvent):
        return Document(Node({}), ())
    builder = _Builder(events)
    root = builder.build(next(events), ())
    next(events)  # the end of the document
    following = next(events)
    if isinstance(following, DocumentStartEvent):
        raise Unreadable(line_of(following), "a second YAML document begins here: keep one, without '---' between")
    return Document(Node({}) if root.value is None else root, tuple(builder.flaws))


def plain(node: Node) -> object:
    """The tree as dicts, lists and scalars."""
    if isinstance(node.value, Mapping):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(entry.node) for entry in node.value]
    return node.value


@dataclass(slots=True)
class _Builder:
    events: Iterator[Event]
    flaws: list[Flaw] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    """The node and how many it unfolds to; None while it is being read."""
    count: int = 0

    def build(self, event: Event, path: tuple[str | int, ...]) -> Node:
        """The node that begins with `event`; takes its other events off the stream."""
        if isinstance(event, AliasEvent):
            return self._anchored(event)
        if isinstance(event, NodeEvent) and getattr(event, "tag", None) is not None:
            raise Unreadable(line_of(event), "a YAML tag (a word that begins with '!') means nothing here: remove it")
        before = self.count
        self._add(1, event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = None
        node = self._contents(event, path)
        if anchor is not None:
            self.anchors[anchor] = (node, self.count - before)
        return node

    def _contents(self, event: Event, path: tuple[str | int, ...]) -> Node:
        if len(path) > MAX_DEPTH:
            raise Unreadable(line_of(event), f"this is nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, MappingStartEvent):
            return Node(self._mapping(path))
        if isinstance(event, ScalarEvent):
            return Node(scalar(text_of(event), is_plain=event.implicit[0]))
        return Node(self._sequence(path))

    def _anchored(self, event: AliasEvent) -> Node:
        found = self.anchors.get(event.anchor)
        if found is None:
            raise Unreadable(line_of(event), "a '*' here names an anchor that is not defined before: quote the text")
        node, size = found
        self._add(size, event)
        return node

    def _add(self, nodes: int, event: Event) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            raise Unreadable(line_of(event), f"the file holds more than {MAX_NODES} values once aliases are unfolded")

    def _sequence(self, path: tuple[str | int, ...]) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            entries.append(Entry(line_of(event), self.build(event, (*path, len(entries)))))
        return tuple(entries)

    def _mapping(self, path: tuple[str | int, ...]) -> Mapping[str, Entry]:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            has_merge_key = is_merge(event)
            key = self.build(event, (*path, "?")).value
            value_path = (*path, key) if isinstance(key, str) else path
            entry = Entry(line_of(event), self.build(next(self.events), value_path))
            if has_merge_key:
                self._merge(merged, entry, path)
            elif not isinstance(key, str):
                self._flaw(entry, path, f"a key must be text, not {shown(key)}: put it in quotes")
            elif key in own:
                self._flaw(entry, value_path, f"is written twice, first in line {own[key].line}: keep one of them")
            else:
                own[key] = entry
        return {**merged, **own}

    def _merge(self, merged: dict[str, Entry], entry: Entry, path: tuple[str | int, ...]) -> None:
        """`<<: *a` or `<<: [*a, *b]`; an earlier mapping wins, as in YAML's merge type."""
        sources = entry.node.value if isinstance(entry.node.value, tuple) else (entry,)
        for source in sources:
            if not isinstance(source.node.value, Mapping):
                self._flaw(entry, path, "'<<' takes a mapping, or a list of mappings")
                continue
            for key, inherited in source.node.value.items():
                merged.setdefault(key, inherited)

    def _flaw(self, entry: Entry, path: tuple[str | int, ...], message: str) -> None:
        self.flaws.append(Flaw(entry.line, path, message))


def is_merge(event: Event) -> bool:
    """Whether a key is a plain `<<`, which takes over the entries of another mapping."""
    return isinstance(event, ScalarEvent) and event.value == "<<" and bool(event.implicit[0])


def text_of(event: ScalarEvent) -> str:
    """The text, in which JSON's pair of escapes for one character ("\\ud83d\\ude00") is that character."""
    text: str = event.value
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Unreadable(line_of(event), "a \\u escape names half a character: correct it") from None
