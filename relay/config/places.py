"""From a path to the line where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relay.config.document import Entry, Node
from relay.config.findings import KeyPath


def line_of(root: Node, path: KeyPath) -> int | None:
    """The line of the key, or of the nearest key above it that is in the file; None when there is none."""
    line: int | None = None
    node = root
    for part in path:
        entry = _below(node, part)
        if entry is None:
            break
        line, node = entry
    return line


def written_path(root: Node, location: Sequence[str | int]) -> KeyPath:
    """pydantic's location without what the file doesn't say: the marks of keys, and the long form of a short one."""
    return tuple(_existing(root, location))


def _existing(node: Node, location: Sequence[str | int]) -> Iterator[str | int]:
    for part in location:
        entry = _below(node, part)
        if entry is not None:
            yield part
            node = entry.node


def _below(node: Node, part: str | int) -> Entry | None:
    if isinstance(node.value, tuple):
        return node.value[part] if isinstance(part, int) and part < len(node.value) else None
    if isinstance(node.value, str | int | float | None):
        return None
    return node.value.get(part) if isinstance(part, str) else None
