"""Setting a value in a JSON object at a path of names; what is given is never changed, unchanged parts are shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def filled(document: dict[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    """With the value where the path leads to nothing.

    The same object where there is something (null included), or where the path leads through what is no object.
    """
    name, *rest = path
    if name not in document:
        return {**document, name: replaced({}, rest, value) if rest else value}
    inner = document[name]
    if not rest or not isinstance(inner, dict):
        return document
    changed = filled(inner, rest, value)
    return document if changed is inner else {**document, name: changed}


def replaced(document: dict[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    """With the value at the path, whatever is there; what it leads through becomes an object."""
    name, *rest = path
    if not rest:
        return {**document, name: value}
    inner = document.get(name)
    return {**document, name: replaced(inner if isinstance(inner, dict) else {}, rest, value)}
