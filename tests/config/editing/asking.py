"""Changes drawn for a document, and a plain model of what each makes of it, written apart from the editor's own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from relay.config.edit import Append, Change, Delete, Insert, InsertItems, Move, Rename, Reorder, Set
from relay.config.findings import KeyPath
from tests.config.editing.documents import DOCUMENTS, NAMES, VALUES

Draw = Callable[[st.SearchStrategy[Any]], Any]


def canonical(values: object) -> str:
    """Text that is the same for what a file would hold alike: types and order count."""
    return json.dumps(values)


def paths(values: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every path of a document."""
    yield path
    below = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for part, value in below:
        yield from paths(value, (*path, part))


def at(values: Any, path: KeyPath) -> Any:
    """The value at a path that is there."""
    for part in path:
        values = values[part]
    return values


def new_name(draw: Draw, entries: dict[str, Any]) -> str:
    return str(draw(st.sampled_from([name for name in [*NAMES, "new", "new: name"] if name not in entries])))


@st.composite
def changes(draw: Draw, values: dict[str, Any]) -> Change:
    """A change that can be made."""
    path = draw(st.sampled_from(list(paths(values))))
    value = at(values, path)
    kinds: list[Callable[[], Change]] = [lambda: Set(path, draw(DOCUMENTS if path == () else VALUES))]
    if isinstance(value, dict):
        name = new_name(draw, value)
        kinds += [lambda: Set((*path, name), draw(VALUES)), lambda: Set((*path, name, "below", "x"), draw(VALUES))]
        kinds.append(lambda: Insert((*path, name), draw(VALUES), draw(st.integers(0, len(value)))))
        kinds.append(lambda: Reorder(path, tuple(draw(st.permutations(list(value))))))
    if isinstance(value, list):
        items = draw(st.lists(VALUES, min_size=1, max_size=3))
        kinds += [lambda: Append(path, items), lambda: InsertItems(path, items, draw(st.integers(0, len(value))))]
        kinds.append(lambda: Reorder(path, tuple(draw(st.permutations(range(len(value)))))))
    if path:
        siblings = at(values, path[:-1])
        kinds += [lambda: Delete(path), lambda: Move(path, draw(st.integers(0, len(siblings) - 1)))]
        if isinstance(siblings, dict):
            kinds.append(lambda: Rename(path, new_name(draw, siblings)))
    made: Change = draw(st.sampled_from(kinds))()
    return made


def model(values: dict[str, Any], change: Change) -> Any:
    """The document with the change made."""
    root = {"": copy.deepcopy(values)}
    path: KeyPath = ("", *change.path)
    holder, last = at(root, path[:-1]) if not isinstance(change, Set) else _made(root, path), path[-1]
    match change:
        case Set(_, value):
            holder[last] = value
        case Delete():
            del holder[last]
        case Rename(_, name):
            _refill(holder, [(name if key == last else key, value) for key, value in holder.items()])
        case Insert(_, value, position):
            pairs = list(holder.items())
            _refill(holder, [*pairs[:position], (last, value), *pairs[position:]])
        case InsertItems(_, some, position):
            holder[last][position:position] = some
        case Append(_, some):
            holder[last].extend(some)
        case Move(_, position):
            _move(holder, last, position)
        case Reorder(_, order):
            old = holder[last]
            holder[last] = {name: old[name] for name in order} if isinstance(old, dict) else [old[i] for i in order]
    return root[""]


def _made(root: Any, path: KeyPath) -> Any:
    for part in path[:-1]:
        root = root.setdefault(part, {}) if isinstance(root, dict) else root[part]
    return root


def _move(holder: Any, last: Any, position: int) -> None:
    if isinstance(holder, list):
        holder.insert(position, holder.pop(last))
        return
    pairs = [pair for pair in holder.items() if pair[0] != last]
    _refill(holder, [*pairs[:position], (last, holder[last]), *pairs[position:]])


def _refill(holder: dict[Any, Any], pairs: list[tuple[Any, Any]]) -> None:
    holder.clear()
    holder.update(pairs)
