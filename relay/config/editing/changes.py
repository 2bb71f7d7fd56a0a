"""What can be asked for, as steps. A path names its place as the file does: `("providers", "openai", "keys", 0)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from relay.config.editing.differences import differences
from relay.config.editing.steps import (
    Delete,
    Impossible,
    InsertEntries,
    InsertItems,
    Rename,
    Reorder,
    Step,
    entries_at,
    items_at,
    places_in,
    refuse_position,
    refuse_whole,
    value_at,
)
from relay.config.findings import KeyPath


@dataclass(frozen=True, slots=True)
class Set:
    """A value at a path. A name that is not there comes last, with the mappings that lead to it.

    Where a mapping takes the place of a mapping, or a list of a list, only what differs is written, so that comments in
    it survive. With the path `()` it is the whole document.
    """

    path: KeyPath
    value: object


@dataclass(frozen=True, slots=True)
class Insert:
    """A new entry of a mapping, to be found at `path`, and at this position among its siblings."""

    path: KeyPath
    value: object
    position: int


@dataclass(frozen=True, slots=True)
class Append:
    """New items at the end of the list at a path, which is made where it is not there."""

    path: KeyPath
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class Move:
    """An entry or item to another position among its siblings, from 0: the one that it has afterwards."""

    path: KeyPath
    position: int


Change: TypeAlias = Set | Insert | Append | Move | InsertItems | Delete | Rename | Reorder


def steps_of(document: object, change: Change) -> Iterator[Step]:
    """The steps that make a change, one after the other. Raises Impossible."""
    match change:
        case Set(path, value):
            yield from _setting(document, path, value)
        case Insert(path, value, position):
            refuse_whole(path)
            yield InsertEntries(path[:-1], ((_name(path, path[-1]), value),), position)
        case Append(path, values):
            yield from _appending(document, path, values)
        case Move(path, position):
            yield _moving(document, path, position)
        case _:
            yield change


def _setting(document: object, path: KeyPath, value: object) -> Iterator[Step]:
    known = _depth(document, path)
    if known == len(path):
        yield from differences(value_at(document, path), value, path)
        return
    name = _name(path[: known + 1], path[known])
    for part in reversed(path[known + 1 :]):
        value = {_name(path, part): value}
    yield InsertEntries(path[:known], ((name, value),), len(entries_at(document, path[:known])))


def _appending(document: object, path: KeyPath, values: Sequence[object]) -> Iterator[Step]:
    if _depth(document, path) < len(path):
        yield from _setting(document, path, list(values))
    else:
        yield InsertItems(path, values, len(items_at(document, path)))


def _moving(document: object, path: KeyPath, position: int) -> Reorder:
    refuse_whole(path)
    value_at(document, path)
    order = places_in(document, path[:-1])
    refuse_position(path, position, len(order) - 1)
    order.remove(path[-1])
    order.insert(position, path[-1])
    return Reorder(path[:-1], tuple(order))


def _depth(document: object, path: KeyPath) -> int:
    """How much of a path is there."""
    try:
        value_at(document, path)
    except Impossible as error:
        return len(error.path) - 1
    return len(path)


def _name(path: KeyPath, part: str | int) -> str:
    if not isinstance(part, str):
        raise Impossible(path, "is not there")
    return part
