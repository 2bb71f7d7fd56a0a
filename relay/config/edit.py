"""Changing the text of a configuration: comments, blank lines, quotes, anchors and order stay where nothing changes.

    text = edited(text, [Set(("providers", "openai", "enabled"), True), Delete(("providers", "old"))])

The text is changed in place: only the pieces that a change is about are written anew, so that the rest is the same byte
for byte. Each result is read again: it must hold the values that were asked for and no others, or the change is refused
(an anchor would carry it to other places, a form is too unusual). Whether the values make a usable configuration is for
`relay.config.load` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import groupby, pairwise

from ruamel.yaml.events import Event

from relay.config.display import dotted
from relay.config.document import Document, Node, plain, read_events
from relay.config.editing.changes import Append, Change, Insert, Move, Set, steps_of
from relay.config.editing.differences import alike
from relay.config.editing.layout import Place, layout_of
from relay.config.editing.notation import objection
from relay.config.editing.pieces import spliced
from relay.config.editing.sites import sited
from relay.config.editing.splices import splices
from relay.config.editing.steps import (
    Delete,
    Impossible,
    InsertItems,
    Put,
    Rename,
    Reorder,
    Step,
    applied,
)
from relay.config.places import line_of
from relay.config.readable import readable
from relay.config.syntax import Unreadable, events_of
from relay.errors import ConfigError, Problem

__all__ = ["Append", "Change", "Delete", "Insert", "InsertItems", "Move", "Rename", "Reorder", "Set", "edited"]

MAX_STEPS = 500
"""In one edit: each may need the whole text to be read again."""
_TOO_MANY = f"takes more than {MAX_STEPS} steps: send the text as it is to be, or edit the file by hand"
_BY_HAND = "can't be changed without changing what stands elsewhere (an anchor, an unusual form): edit the file by hand"


def edited(text: str, changes: Iterable[Change], *, source: str = "config.yml") -> str:
    """The text with the changes made, one after the other; `source` names it in problems. Raises ConfigError."""
    draft = _begun(text, source)
    root = draft.root
    try:
        wanted = list(_steps(draft.values, changes))  # All of them first: too many are refused before any is made.
        for _, steps in groupby(wanted, type):
            draft = _made(draft, list(steps))
    except Impossible as error:
        line = line_of(root, error.path)
        raise ConfigError([Problem(source, line, dotted(error.path), error.message)]) from error
    return draft.text


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    root: Node
    values: object
    """The same as plain ones."""
    place: Place
    """The root's."""


def _begun(text: str, source: str) -> _Draft:
    """Raises ConfigError."""
    taken: list[Event] = []
    return _drafted(text, readable(_recorded(events_of(text), taken), source), taken)


def _held(text: str) -> _Draft | None:
    """What came of a change; None where it can't be read."""
    taken: list[Event] = []
    try:
        read = read_events(_recorded(events_of(text), taken))
    except Unreadable:
        return None
    return None if read.flaws else _drafted(text, read, taken)


def _drafted(text: str, read: Document, events: Sequence[Event]) -> _Draft:
    return _Draft(text, read.root, plain(read.root), layout_of(text, events))


def _recorded(events: Iterator[Event], taken: list[Event]) -> Iterator[Event]:
    for event in events:
        taken.append(event)
        yield event


def _steps(values: object, changes: Iterable[Change]) -> Iterator[Step]:
    """The steps of all changes, but for those that change nothing. Raises Impossible."""
    count = 0
    for change in changes:
        for value in _values(change):
            if reason := objection(value):
                raise Impossible(change.path, reason)
        for step in steps_of(values, change):
            before, values = values, applied(values, step)
            if not alike(before, values):
                count += 1
                if count > MAX_STEPS:
                    raise Impossible((), _TOO_MANY)
                yield step


def _values(change: Change) -> Sequence[object]:
    match change:
        case Set() | Insert():
            return [change.value]
        case Append() | InsertItems():
            return change.values
        case _:
            return []


def _made(draft: _Draft, steps: Sequence[Step]) -> _Draft:
    """With steps of one kind made; all at once if they can be, since reading a large text takes its time."""
    if len(steps) > 1 and isinstance(steps[0], Put | Delete):
        with suppress(Impossible):
            return _made_at_once(draft, steps)
    for step in steps:
        draft = _made_at_once(draft, [step])
    return draft


def _made_at_once(draft: _Draft, steps: Sequence[Step]) -> _Draft:
    wanted = reduce(applied, steps, draft.values)
    sites = [sited(draft.text, draft.place, step, wanted) for step in steps]
    pieces = sorted(piece for site, step in sites for piece in splices(site, step))
    is_apart = all(one.end <= other.start for one, other in pairwise(pieces))
    made = _held(spliced(draft.text, pieces)) if is_apart else None
    if made is None or not alike(made.values, wanted):
        raise Impossible(steps[0].path, _BY_HAND)
    return made
