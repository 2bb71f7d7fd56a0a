"""Importing many keys of a provider at once, from lines, CSV or JSON (`relay.config.key_formats`).

Columns and objects have the options of a key in config.yml, with the same meaning: `${NAME}` is read from the
environment. A key that is there already, in the import or at the provider, is left out. All that is wrong is told at
once, with its line, and never with the key. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from relay.config.display import dotted
from relay.config.files import read_file
from relay.config.key_formats import Malformed, Row, rows_of
from relay.config.mask import is_reference
from relay.config.providers import KeyConfig
from relay.config.secrets import Resolver
from relay.config.wording import is_name_hidden, message_of
from relay.errors import ConfigError, Problem

MAX_BYTES = 2**20
MAX_KEYS = 1000
MIN_KEY_CHARACTERS = 8
"""No provider's key is shorter; a word in front of one is."""
MAX_LABEL_CHARACTERS = 64
_LIKE_A_KEY = 20
"""Characters without a blank: a label is hardly as long, and a key is."""

_SOURCE = "import"
_NO_KEYS = (
    ("[^!-~]", "holds a blank or another character that no key has"),
    ("^[A-Z_][A-Z0-9_]*=.", "begins with 'NAME=': leave that out"),
    ("^[\"'`]|[\"'`,]$", "stands in quotes: leave them out"),
    (r"\$", "holds a '$', which config.yml would take for a reference"),
    (f"^.{{0,{MIN_KEY_CHARACTERS - 1}}}$", f"has fewer than {MIN_KEY_CHARACTERS} characters"),
)
"""Pattern and reason."""
_ANY_KEY = ("providers", "import", "keys", 0)
"""Where a key stands in a configuration."""
_NO_SECRETS = Resolver({}, Path(), read_file)


@dataclass(frozen=True, slots=True)
class KeyImport:
    """What can be appended to a provider's `keys`."""

    keys: tuple[Mapping[str, object], ...] = field(repr=False)
    """As config.yml has them, each with a label."""
    duplicates: int
    """How many were left out, since they are there already."""


def imported(text: str, *, known_keys: Collection[str] = (), known_labels: Collection[str] = ()) -> KeyImport:
    """The keys of a text, beside those that the provider has. Raises ConfigError with everything wrong."""
    rows = _rows(text)
    new = _new(rows, known_keys)
    problems = [Problem(_SOURCE, row.line, "", reason) for row in new for reason in _objections(row)]
    problems += _repeated_labels(new, known_labels)
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return KeyImport(tuple(_labelled(new, known_labels)), len(rows) - len(new))


def _rows(text: str) -> list[Row]:
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise ConfigError([Problem(_SOURCE, None, "", f"holds more than {MAX_BYTES // 2**20} MiB")])
    try:
        rows = list(rows_of(text))
    except Malformed as error:
        raise ConfigError([Problem(_SOURCE, error.line, "", error.message)]) from None
    if not 0 < len(rows) <= MAX_KEYS:
        raise ConfigError([Problem(_SOURCE, None, "", f"holds {len(rows)} keys: import 1 to {MAX_KEYS} at once")])
    return rows


def _new(rows: Iterable[Row], known_keys: Iterable[str]) -> list[Row]:
    """Each key once; what is no text is complained of later."""
    seen: set[object] = set(known_keys)
    new: list[Row] = []
    for row in rows:
        key = row.options.get("key")
        if not isinstance(key, str) or key not in seen:
            new.append(row)
        seen.add(key if isinstance(key, str) else None)
    return new


def _objections(row: Row) -> Iterator[str]:
    key, label = row.options.get("key"), row.options.get("label", "")
    if reason := _objection_to_key(key):
        yield f"can't be a key: it {reason} (it is not shown)"
    elif reason := _objection_to_label(label, key):
        yield f"has a label that {reason} (it is not shown)"
    else:
        yield from _objections_to_options(row.options)


def _objection_to_key(key: object) -> str | None:
    if not isinstance(key, str) or not key:
        return "is no text, or empty"
    if is_reference(key):
        return None
    return next((reason for pattern, reason in _NO_KEYS if re.search(pattern, key)), None)


def _objection_to_label(label: object, key: object) -> str | None:
    """A label is in every log: a key that was taken for one must not get there."""
    if not isinstance(label, str):
        return "is no text"
    if len(label) > MAX_LABEL_CHARACTERS:
        return f"has more than {MAX_LABEL_CHARACTERS} characters"
    if len(label) >= _LIKE_A_KEY and len(label) > len(str(key)) and not re.search(r"\s", label):
        return "looks like a key: write the key first"
    return None


def _objections_to_options(options: Mapping[str, object]) -> Iterator[str]:
    """What the schema says, without the values: a key may have come into another column."""
    try:
        KeyConfig.model_validate({"label": "label", **options, "key": ""}, context=_NO_SECRETS)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            path = details["loc"]
            details["loc"] = (*_ANY_KEY, *path)
            shown = dotted(path[:-1] if is_name_hidden(details) else path)
            yield f"{shown} {message_of(details).partition(', not ')[0]}".strip()


def _repeated_labels(rows: Iterable[Row], known_labels: Iterable[str]) -> Iterator[Problem]:
    seen = {label.casefold() for label in known_labels}
    for row in rows:
        label = str(row.options.get("label") or "").casefold()
        if label and label in seen:
            yield Problem(_SOURCE, row.line, "", "has the label of another key: give each its own")
        seen.add(label)


def _labelled(rows: Iterable[Row], known_labels: Collection[str]) -> Iterator[Mapping[str, object]]:
    """Each with a label, as state is kept by it, and not by a position that may change."""
    taken = {str(label).casefold() for label in (*known_labels, *(row.options.get("label") for row in rows))}
    free = (name for number in count(len(known_labels) + 1) if (name := f"key-{number}") not in taken)
    for row in rows:
        yield {"key": "", **row.options, "label": row.options.get("label") or next(free)}
