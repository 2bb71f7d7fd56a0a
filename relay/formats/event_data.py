"""The data of an event as the JSON object that every event of every dialect carries, but for chat's `[DONE]`."""

from __future__ import annotations

from typing import Any

from relay.formats.sse import Event
from relay.formats.upstream_json import NotJson, read_json


def read_data(event: Event) -> dict[str, Any] | None:
    """The decoded data; None where there are none, or where they are no JSON object."""
    try:
        document = read_json(event.data or b"")
    except NotJson:
        return None
    return document if isinstance(document, dict) else None


def tells_error_in_data(event: Event) -> bool:
    """Whether the data have an `error` that is true in Python's sense: openai-python then raises."""
    return bool((read_data(event) or {}).get("error"))


def is_of_type(event: Event, types: frozenset[str]) -> bool:
    """Whether the event has one of these types, by its `event:` line or by the `type` in its data."""
    if event.name in types:
        return True
    told = (read_data(event) or {}).get("type")
    return isinstance(told, str) and told in types
