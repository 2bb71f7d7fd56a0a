"""Reads the fields of a request body: each function takes a JSON value and the field's name as an error shows it.

Pure. `null` counts as absent, as it does for the providers. A value of the wrong shape raises InvalidRequest, which
names the field but never quotes the value: it may be a prompt.
"""

from __future__ import annotations

from relay.errors import InvalidRequest
from relay.upstream.demo.wire import JsonObject


def text(value: object, param: str) -> str:
    if isinstance(value, str):
        return value
    raise InvalidRequest(f"'{param}' must be a string.", param=param)


def whole(value: object, param: str, *, high: int | None = None) -> int | None:
    """A whole number of at least one (and at most `high`); None when absent."""
    if value is None:
        return None
    # JSON's true is a Python int as well.
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidRequest(f"'{param}' must be a whole number of at least 1.", param=param)
    if high is not None and value > high:
        raise InvalidRequest(f"'{param}' must be at most {high} for the demo model.", param=param)
    return value


def texts(value: object, param: str, *, high: int) -> tuple[str, ...]:
    """A string, or a list of at most `high` strings; empty when absent."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and len(value) <= high and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise InvalidRequest(f"'{param}' must be a string or a list of at most {high} strings.", param=param)


def objects(value: object, param: str) -> list[JsonObject]:
    """A list of objects; empty when absent."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return value
    raise InvalidRequest(f"'{param}' must be a list of objects.", param=param)


def some_objects(value: object, param: str) -> list[JsonObject]:
    """A list of objects that may be neither absent nor empty."""
    if found := objects(value, param):
        return found
    raise InvalidRequest(f"'{param}' must be a list with at least one object.", param=param)


def inner(value: object) -> JsonObject:
    """An object that the demo reads one or two things from; any other value is as good as an empty one."""
    return value if isinstance(value, dict) else {}
