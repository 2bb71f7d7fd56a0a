"""A client's JSON body: checked once, then carried as data and written anew.

Writing it anew from what was parsed means that what was checked is what is sent: of duplicate keys the last one, and
no spelling of a key that the relay would read otherwise than a provider.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from relay.errors import InvalidRequest

COUNTED_FROM_BYTES = 1024 * 1024
_TOO_DEEP = "The body is nested too deeply: at most 254 levels."
MAX_DIGITS = 20
"""Of an integer of 64 bits, its sign included."""
_LONG_NUMBER = re.compile(rb"\d{19}")
MAX_PARTS = 500_000
"""Commas and brackets of a large body: a bound on what parsing may cost, far above any honest request."""


def read_object(raw: bytes) -> dict[str, Any]:
    """Parse a body. Raises InvalidRequest for whatever is no JSON object, however it is broken."""
    if len(raw) > COUNTED_FROM_BYTES and _parts(raw) > MAX_PARTS:
        raise InvalidRequest(f"The body has more than {MAX_PARTS} JSON values.")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error.msg} (character {error.pos}).") from None
    if not isinstance(document, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if _LONG_NUMBER.search(raw):
        _refuse_rounding(raw)
    return document


def _refuse_rounding(raw: bytes) -> None:
    """orjson reads an integer beyond 64 bits as a float: what goes upstream would be another number."""
    try:
        json.loads(raw, parse_int=_exact)
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP) from None


def _exact(digits: str) -> int:
    number = int(digits) if len(digits) <= MAX_DIGITS else 2**64
    if not -(2**63) <= number < 2**64:
        raise InvalidRequest(f"The body holds an integer beyond 64 bits: {digits[:MAX_DIGITS]}.")
    return number


def write_object(document: dict[str, Any]) -> bytes:
    """Write a body. Raises InvalidRequest where it is nested deeper than can be written (254 levels)."""
    return write_value(document)


def write_value(value: object) -> bytes:
    """Write a part of a body. Raises InvalidRequest as for the whole."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise InvalidRequest(_TOO_DEEP) from None


def required_text(document: dict[str, Any], field: str) -> str:
    """A field that must be a non-empty string."""
    value = document.get(field)
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequest(f"{field!r} is required and must be a non-empty string.", param=field)
    return value


def optional_flag(document: dict[str, Any], field: str) -> bool:
    """A field that is true, false or absent; null counts as absent."""
    value = document.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidRequest(f"{field!r} must be true or false.", param=field)


def _parts(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")
