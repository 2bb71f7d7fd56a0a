"""Makes a sample value for a JSON schema: the arguments of a tool call, or a reply of a given shape.

Pure and deterministic. It reads what tool and output schemas use (types, enum, const, defaults, bounds, formats,
properties, items, anyOf/oneOf/allOf, local $ref) and passes over the rest. It always ends, whatever the schema:
a reference is followed once on any path, depth is bounded, and so is the size of the whole.
"""

from __future__ import annotations

from relay.upstream.demo.fields import inner
from relay.upstream.demo.scalars import WORD, length, scalar
from relay.upstream.demo.wire import JsonObject, to_json

MAX_DEPTH = 24
MAX_VALUES = 1000
MAX_ITEMS = 16
SIZE_PER_VALUE = 64
"""What is longer or wider than this costs more of MAX_VALUES than one: else a large thing, repeated, had no bound."""

Path = tuple[str, ...]
"""The way from the root: the reference followed at a level, or an empty string. Its length is the depth."""


def sample(schema: object) -> object:
    """A value that fits the schema, where one of bounded size does."""
    return _Sampler(schema).value(schema, ())


class _Sampler:
    """One sampling: the root that references start from, and how many values may still be made."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._left = MAX_VALUES

    def value(self, schema: object, path: Path) -> object:
        self._left -= 1
        if not isinstance(schema, dict):
            return WORD
        self._left -= _width(schema) // SIZE_PER_VALUE
        if len(path) >= MAX_DEPTH or self._left < 0:
            return _least(schema)
        if given := _given(schema):
            self._left -= len(to_json(given)) // SIZE_PER_VALUE
            return given[0]
        if isinstance(ref := schema.get("$ref"), str):
            target = self._resolved(ref)
            return _least(target) if ref in path else self.value(target, (*path, ref))
        if parts := _listed(schema, "allOf"):
            return self.value(self._merged(schema, parts), (*path, ""))
        if options := _listed(schema, "anyOf") or _listed(schema, "oneOf"):
            return self.value(_with_option(schema, options, path), (*path, ""))
        return self._typed(schema, path)

    def _typed(self, schema: JsonObject, path: Path) -> object:
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, path)
        if kind == "array":
            return self._array(schema, path)
        return scalar(kind, schema)

    def _object(self, schema: JsonObject, path: Path) -> JsonObject:
        """The required properties; where none is, all but those that would begin an open reference anew."""
        properties = inner(schema.get("properties"))
        required = [name for name in _listed(schema, "required") if isinstance(name, str)]
        names = required or [name for name, below in properties.items() if not _is_open(below, path)]
        made: JsonObject = {}
        for name in dict.fromkeys(names):
            if self._left < 0:
                break
            self._left -= len(name) // SIZE_PER_VALUE
            made[name] = self.value(properties.get(name), (*path, ""))
        return made

    def _array(self, schema: JsonObject, path: Path) -> list[object]:
        fixed = _listed(schema, "prefixItems")[:MAX_ITEMS]
        items = schema.get("items")
        least = length(schema, "minItems", 0 if fixed or _is_open(items, path) else 1)
        count = min(least, length(schema, "maxItems", MAX_ITEMS), MAX_ITEMS)
        return [self.value(item, (*path, "")) for item in [*fixed, *[items] * (count - len(fixed))]]

    def _resolved(self, ref: str) -> JsonObject:
        """What a local reference (a JSON pointer, RFC 6901) points at; an empty schema for any other."""
        found = self._root if ref.startswith("#") else None
        for token in ref.split("/")[1:]:
            found = inner(found).get(token.replace("~1", "/").replace("~0", "~"))
        return inner(found)

    def _merged(self, schema: JsonObject, parts: list[object]) -> JsonObject:
        """One schema out of `allOf`: properties and required names united, of other keywords the last."""
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in map(inner, parts[:MAX_ITEMS]):
            ref = part.get("$ref")
            found = self._resolved(ref) if isinstance(ref, str) else part
            united = {
                "properties": {**inner(merged.get("properties")), **inner(found.get("properties"))},
                "required": [*_listed(merged, "required"), *_listed(found, "required")],
            }
            merged = {**merged, **found, **{key: value for key, value in united.items() if value}}
        return merged


def _given(schema: JsonObject) -> list[object]:
    """A value that the schema itself names, alone in a list; empty where it names none (null is a value)."""
    if "const" in schema:
        return [schema["const"]]
    if choices := _listed(schema, "enum"):
        return choices[:1]
    if "default" in schema:
        return [schema["default"]]
    return _listed(schema, "examples")[:1]


def _least(schema: JsonObject) -> object:
    """What stands where nothing more is made."""
    kind = _kind(schema)
    if kind == "object":
        return {}
    return [] if kind == "array" else scalar(kind, schema)


def _is_open(schema: object, path: Path) -> bool:
    """Whether the schema is a reference that is being followed already."""
    return inner(schema).get("$ref") in path


def _with_option(schema: JsonObject, options: list[object], path: Path) -> JsonObject:
    """The schema with its first alternative that doesn't begin an open reference anew: where a list ends."""
    chosen = next((option for option in options if not _is_open(option, path)), options[0])
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    return {**rest, **inner(chosen)}


def _width(schema: JsonObject) -> int:
    """How much there is to look at: keywords, and the names, parts or steps under them. Descriptions are not read."""
    sized = [schema.get("$ref"), *(value for value in schema.values() if not isinstance(value, str))]
    return len(schema) + sum(len(value) for value in sized if isinstance(value, str | list | dict))


def _listed(schema: JsonObject, key: str) -> list[object]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _kind(schema: JsonObject) -> str:
    """The type; of several the first but null; of none what the other keywords suggest."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    if isinstance(kinds, str):
        return kinds
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"
