"""The few steps that every change of a configuration comes down to, and what each makes of the plain values.

Paths are in the file's own names, `("providers", "openai", "keys", 0, "label")`. Nothing given is changed: documents
that are handed back share with the one before what is alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from relay.config.findings import KeyPath


class Impossible(Exception):
    """A change that the document does not allow; `message` goes behind the path, and quotes no value."""

    def __init__(self, path: KeyPath, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Put:
    """Another value at a path that is there."""

    path: KeyPath
    value: object


@dataclass(frozen=True, slots=True)
class InsertEntries:
    """New entries of the mapping at a path, in front of the one at `position`, from 0."""

    path: KeyPath
    entries: tuple[tuple[str, object], ...]
    position: int


@dataclass(frozen=True, slots=True)
class InsertItems:
    """New items of the list at a path, in front of the one at `position`, from 0."""

    path: KeyPath
    values: Sequence[object]
    position: int


@dataclass(frozen=True, slots=True)
class Delete:
    """An entry of a mapping, or an item of a list."""

    path: KeyPath


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name for an entry of a mapping, which keeps its place."""

    path: KeyPath
    name: str


@dataclass(frozen=True, slots=True)
class Reorder:
    """All entries of the mapping, by name, or all items of the list, by present position, in a new order."""

    path: KeyPath
    order: tuple[str | int, ...]


Step: TypeAlias = Put | InsertEntries | InsertItems | Delete | Rename | Reorder


def applied(document: object, step: Step) -> object:
    """The document with the step made. Raises Impossible."""
    match step:
        case Put(path, value):
            refuse_whole(path)
            return replaced(document, path, value)
        case InsertEntries(path):
            return replaced(document, path, _with_entries(entries_at(document, path), step))
        case InsertItems(path):
            return replaced(document, path, _with_items(items_at(document, path), step))
        case Delete(path):
            return replaced(document, path[:-1], _without(document, path))
        case Rename(path, name):
            return replaced(document, path[:-1], _renamed(document, path, name))
        case _:
            return replaced(document, step.path, _reordered(document, step.path, step.order))


def value_at(document: object, path: KeyPath) -> object:
    """The value at a path. Raises Impossible."""
    value = document
    for depth, part in enumerate(path):
        if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
            continue
        if not isinstance(value, dict) or part not in value:
            raise Impossible(path[: depth + 1], "is not there")
        value = value[part]
    return value


def entries_at(document: object, path: KeyPath) -> dict[str, object]:
    """The mapping at a path; nothing at all is an empty one. Raises Impossible."""
    value = value_at(document, path)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Impossible(path, "is no mapping")
    return value


def items_at(document: object, path: KeyPath) -> list[object]:
    """The list at a path; nothing at all is an empty one. Raises Impossible."""
    value = value_at(document, path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Impossible(path, "is no list")
    return value


def places_in(document: object, path: KeyPath) -> list[str | int]:
    """The names of a mapping or the positions of a list, in order. Raises Impossible."""
    value = value_at(document, path)
    return list(range(len(value))) if isinstance(value, list) else list(entries_at(document, path))


def refuse_whole(path: KeyPath) -> None:
    """Raise Impossible for the path of the document itself."""
    if not path:
        raise Impossible(path, "the document as a whole must be a mapping, and stays where it is")


def refuse_position(path: KeyPath, position: int, last: int) -> None:
    """Raise Impossible unless the position is one of 0 to `last`."""
    if not 0 <= position <= last:
        raise Impossible(path, f"has no position {position}: there are 0 to {last}")


def replaced(document: object, path: KeyPath, value: object) -> object:
    """The document with another value at a path. Raises Impossible where there is none."""
    if not path:
        return value
    part, below = path[0], path[1:]
    made = replaced(value_at(document, (part,)), below, value)
    if isinstance(document, list) and isinstance(part, int):
        return [*document[:part], made, *document[part + 1 :]]
    return {**entries_at(document, ()), str(part): made}


def _with_entries(entries: dict[str, object], step: InsertEntries) -> dict[str, object]:
    refuse_position(step.path, step.position, len(entries))
    pairs = list(entries.items())
    pairs[step.position : step.position] = step.entries
    names = [name for name, _ in pairs]
    for name, _ in step.entries:
        if names.count(name) > 1:
            raise Impossible((*step.path, name), "is there already")
    return dict(pairs)


def _with_items(items: list[object], step: InsertItems) -> list[object]:
    refuse_position(step.path, step.position, len(items))
    return [*items[: step.position], *step.values, *items[step.position :]]


def _without(document: object, path: KeyPath) -> object:
    refuse_whole(path)
    value_at(document, path)
    holder = value_at(document, path[:-1])
    if isinstance(holder, list):
        return [item for position, item in enumerate(holder) if position != path[-1]]
    return {name: value for name, value in entries_at(document, path[:-1]).items() if name != path[-1]}


def _renamed(document: object, path: KeyPath, name: str) -> object:
    refuse_whole(path)
    value_at(document, path)
    entries = entries_at(document, path[:-1])
    if name in entries and name != path[-1]:
        raise Impossible((*path[:-1], name), "is there already")
    return {name if key == path[-1] else key: value for key, value in entries.items()}


def _reordered(document: object, path: KeyPath, order: Sequence[str | int]) -> object:
    if len(order) != len(set(order)) or set(order) != set(places_in(document, path)):
        raise Impossible(path, "can't be ordered like that: name each one that is there, once")
    value = value_at(document, path)
    if isinstance(value, list):
        return [value[place] for place in order if isinstance(place, int)]
    entries = entries_at(document, path)
    return {str(name): entries[str(name)] for name in order}
