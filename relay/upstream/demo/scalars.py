"""Sample values of the scalar JSON types, inside the bounds that a schema gives.

Pure. `sample` builds objects and arrays around them. What can't be met is passed over, never raised: a `pattern`,
a bound that contradicts another, a size that no real argument has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from relay.upstream.demo.wire import JsonObject

MAX_CHARACTERS = 256
MAX_NUMBER = 2**53
"""Beyond it a JSON number is no whole number any more (RFC 8259, section 6)."""

WORD = "demo"
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def scalar(kind: str, schema: JsonObject) -> object:
    """A value of the type; of a type that is none of JSON's, a string."""
    return SCALARS.get(kind, _string)(schema)


def length(schema: JsonObject, key: str, default: int) -> int:
    """A bound on a length, `default` where there is none that makes sense."""
    value = schema.get(key)
    return value if isinstance(value, int) and value >= 0 else default


def _string(schema: JsonObject) -> str:
    known = FORMATS.get(str(schema.get("format")))
    if known is not None:
        return known
    least = min(length(schema, "minLength", 0), MAX_CHARACTERS)
    return WORD.ljust(least, ".")[: length(schema, "maxLength", MAX_CHARACTERS)]


def _integer(schema: JsonObject) -> int:
    return next((int(number) for number in _candidates(schema) if number == int(number) and _fits(number, schema)), 1)


def _number(schema: JsonObject) -> float:
    return next((number for number in _candidates(schema) if _fits(number, schema)), 1.0)


SCALARS: dict[str, Callable[[JsonObject], object]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema: True,
    "null": lambda schema: None,
}


def _candidates(schema: JsonObject) -> Iterator[float]:
    """Numbers worth a try, the plainest first: one of them fits every set of bounds met in practice."""
    yield 1
    low = max(_bounds(schema, "minimum", "exclusiveMinimum"), default=-math.inf)
    high = min(_bounds(schema, "maximum", "exclusiveMaximum"), default=math.inf)
    step = next((step for step in _bounds(schema, "multipleOf") if step > 0), 1)
    if math.isfinite(low):
        yield from (low, math.ceil(low / step) * step, (math.floor(low / step) + 1) * step)
    if math.isfinite(high):
        yield from (high, math.floor(high / step) * step, (math.ceil(high / step) - 1) * step)
    if math.isfinite(low) and math.isfinite(high):
        yield (low + high) / 2
    yield step


def _fits(number: float, schema: JsonObject) -> bool:
    return (
        all(number >= bound for bound in _bounds(schema, "minimum"))
        and all(number > bound for bound in _bounds(schema, "exclusiveMinimum"))
        and all(number <= bound for bound in _bounds(schema, "maximum"))
        and all(number < bound for bound in _bounds(schema, "exclusiveMaximum"))
        and all(step <= 0 or number % step == 0 for step in _bounds(schema, "multipleOf"))
    )


def _bounds(schema: JsonObject, *keys: str) -> list[float]:
    """The numbers under these keys. Draft 4 has true and false for the exclusive bounds: no numbers, passed over."""
    values = [schema.get(key) for key in keys]
    return [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
    ]
