"""From the values that are there to those that are wanted, in few steps, so that what is alike is not touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from relay.config.editing.steps import Delete, InsertEntries, InsertItems, Put, Reorder, Step
from relay.config.findings import KeyPath

_NAMING = ("label", "name")
"""What tells the items of a list apart: keys of a provider, access keys."""

Entries: TypeAlias = Mapping[str, object]


def alike(one: object, other: object) -> bool:
    """Whether both are the same in a file: 1, 1.0 and true are three values, and order counts."""
    return _canonical(one) == _canonical(other)


def differences(old: object, new: object, path: KeyPath) -> Iterator[Step]:
    """The steps, to be made one after the other, from `old`, which is at `path`, to `new`."""
    if alike(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_mappings(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _of_lists(old, new, path)
    else:
        yield Put(path, new)


def _of_mappings(old: Entries, new: Entries, path: KeyPath) -> Iterator[Step]:
    kept = [name for name in old if name in new]
    added = tuple((name, value) for name, value in new.items() if name not in old)
    if added:
        yield InsertEntries(path, added, len(old))  # First, so that a mapping is not empty in between.
    yield from (Delete((*path, name)) for name in old if name not in new)
    for name in kept:
        yield from differences(old[name], new[name], (*path, name))
    if [*kept, *(name for name, _ in added)] != list(new):
        yield Reorder(path, tuple(new))


def _of_lists(old: Sequence[object], new: Sequence[object], path: KeyPath) -> Iterator[Step]:
    for naming in _NAMING:
        before, after = _named(old, naming), _named(new, naming)
        if before is not None and after is not None:
            return _of_named_items(before, after, path)
    return _of_items(old, new, path)


def _named(items: Sequence[object], naming: str) -> Entries | None:
    """The items by their names; None where some have none, or the same."""
    named = {item[naming]: item for item in items if isinstance(item, dict) and isinstance(item.get(naming), str)}
    return named if len(named) == len(items) else None


def _of_named_items(old: Entries, new: Entries, path: KeyPath) -> Iterator[Step]:
    kept = [name for name in old if name in new]
    added = [name for name in new if name not in old]
    if added:
        yield InsertItems(path, [new[name] for name in added], len(old))
    for position, name in reversed(list(enumerate(old))):
        if name not in new:
            yield Delete((*path, position))
    for position, name in enumerate(kept):
        yield from differences(old[name], new[name], (*path, position))
    present = [*kept, *added]
    if present != list(new):
        yield Reorder(path, tuple(present.index(name) for name in new))


def _of_items(old: Sequence[object], new: Sequence[object], path: KeyPath) -> Iterator[Step]:
    """From the end to the front, so that positions still hold."""
    matcher = SequenceMatcher(
        None, [_canonical(item) for item in old], [_canonical(item) for item in new], autojunk=False
    )
    for _, start, end, new_start, new_end in reversed(matcher.get_opcodes()):
        both = min(end - start, new_end - new_start)
        yield from (Delete((*path, position)) for position in reversed(range(start + both, end)))
        if new_start + both < new_end:
            yield InsertItems(path, new[new_start + both : new_end], start + both)
        for position in range(both):
            yield from differences(old[start + position], new[new_start + position], (*path, start + position))


def _canonical(value: object) -> str:
    return json.dumps(value)
