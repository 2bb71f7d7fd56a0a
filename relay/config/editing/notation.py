"""How new values are written: what `relay.config.document` reads back as the same values.

Not by ruamel's emitter: it writes for YAML's own types, of which the configuration knows few, and folds long lines.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence

from relay.config.document import MAX_DEPTH
from relay.config.scalars import scalar

_PLAIN = re.compile(r"[A-Za-z0-9_./$](?:[A-Za-z0-9_./$@+-]|:(?=[A-Za-z0-9_/]))*")
"""Text that needs no quotes wherever it stands, unless it reads as a number or a word of YAML."""
_OTHERS_WORDS = re.compile(r"(?i)y|n|yes|no|on|off")
"""Text for MonoRelay, but true or false for tools that read YAML 1.1."""
_LARGEST = 10**40
_HALF = re.compile("[\ud800-\udfff]")
"""JSON's escapes for one half of a pair; no file can hold it."""


def objection(value: object) -> str | None:
    """Why a value can't be written; None where it can: JSON of bounded depth, without NaN and infinity."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return None
        for one in level:
            if (reason := _objection(one)) is not None:
                return reason
        level = [below for one in level for below in _values(one)]
    return f"is nested more than {MAX_DEPTH} levels deep"


def is_short(value: object) -> bool:
    """Whether a value stands on the line of its name: single values, lists of them, and nothing at all."""
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict) or not value


def inline(value: object) -> str:
    """A value on one line, as it may stand in braces and brackets too."""
    if isinstance(value, dict):
        return f"{{{', '.join(flow_entry(*pair) for pair in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def flow_entry(name: str, value: object) -> str:
    """An entry of a mapping in braces."""
    return f"{inline(name)}: {inline(value)}"


def quoted(text: str) -> str:
    """Text in double quotes: JSON's escapes are YAML's, too."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def entry(name: str, value: object) -> list[str]:
    """The lines of an entry of a mapping; those behind the first are indented from it."""
    head = f"{inline(name)}:"
    return [f"{head} {inline(value)}"] if is_short(value) else [head, *_indented(lines(value))]


def item(value: object) -> list[str]:
    """The lines of an item of a list, likewise."""
    first, *others = lines(value)
    return [f"- {first}", *_indented(others)]


def lines(value: object) -> list[str]:
    """The lines of a value: of all its entries or items, where it is not short."""
    if is_short(value):
        return [inline(value)]
    if isinstance(value, dict):
        return [line for name, below in value.items() for line in entry(name, below)]
    return [line for below in _values(value) for line in item(below)]


def _indented(some: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in some)


def _text(text: str) -> str:
    is_plain = (
        _PLAIN.fullmatch(text) and not _OTHERS_WORDS.fullmatch(text) and isinstance(scalar(text, is_plain=True), str)
    )
    return text if is_plain else quoted(text)


def _values(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _objection(value: object) -> str | None:
    if isinstance(value, dict):
        return next((reason for name in value if (reason := _objection_to_name(name))), None)
    if isinstance(value, str) and _HALF.search(value):
        return "holds half a character"
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return "is a very large number"
    return None if value is None or isinstance(value, str | int | float | list) else "is no value of JSON"


def _objection_to_name(name: object) -> str | None:
    return _objection(name) if isinstance(name, str) else "holds a name that is no text"
