"""From a pasted or uploaded text with keys to rows, whatever form it has. Pure; messages never quote the text.

    lines    KEY, or KEY LABEL, or KEY,LABEL: the key comes first
    CSV      a first line with the names of columns, `key` among them; `,`, `;` or a tab between
    JSON     a list of keys, or of objects; or {"keys": [...]} with such a list

In lines and CSV, empty lines and those that begin with `#` are skipped.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from relay.config.scalars import scalar

_LINE_END = re.compile(r"\r\n|\n|\r")
_BETWEEN = re.compile(r"\s*[,;]\s*|\s+")
_DELIMITERS = ",;\t"
_KEYS_ONLY = re.compile(r'\s*\{\s*"keys"\s*:\s*')
_JSON_BLANK = re.compile(r"[ \t\r\n]*")
_TEXTS = frozenset({"key", "label", "expires_at"})
"""Columns whose cells are text, be they digits only."""
_WINDOWS = ("window_5h", "window_1d", "window_7d")
"""Columns for what is nested in config.yml."""


@dataclass(frozen=True, slots=True)
class Row:
    """A key with its options, as config.yml has them."""

    line: int
    options: Mapping[str, object] = field(repr=False)


class Malformed(Exception):
    """A text that can't be taken apart."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


def rows_of(text: str) -> Iterator[Row]:
    """The keys of a text, in its order. Raises Malformed."""
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in {"[", "{"}:
        return _json_rows(text)
    lines = ["" if line.lstrip().startswith("#") else line for line in _LINE_END.split(text)]
    delimiter = _delimiter(next((line for line in lines if line.strip()), ""))
    return _line_rows(lines) if delimiter is None else _csv_rows(lines, delimiter)


def _line_rows(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            key, *label = _BETWEEN.split(line.strip(), maxsplit=1)
            yield Row(number, {"key": key, **({"label": label[0]} if label and label[0] else {})})


def _delimiter(header: str) -> str | None:
    """What separates the names of columns; None where the line is none of such names."""
    return next((sign for sign in _DELIMITERS if "key" in _columns(header.split(sign))), None)


def _columns(cells: Iterable[str]) -> list[str]:
    return [cell.strip().strip('"').strip().lower() for cell in cells]


def _csv_rows(lines: Sequence[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            if columns and any(cell.strip() for cell in cells):
                yield Row(line, _options(columns, cells, line))
            columns = columns or _columns(cells)
            line = reader.line_num + 1
    except csv.Error:
        raise Malformed(line, "is no row of CSV: look at its quotes") from None


def _options(columns: Sequence[str], cells: Sequence[str], line: int) -> Mapping[str, object]:
    if len(cells) > len(columns):
        raise Malformed(line, f"has {len(cells)} cells, and there are {len(columns)} columns")
    given = [(name, cell.strip()) for name, cell in zip(columns, cells, strict=False) if cell.strip()]
    values = {name: cell if name in _TEXTS else scalar(cell, is_plain=True) for name, cell in given}
    windows = {name: values.pop(name) for name in _WINDOWS if name in values}
    return {**values, "usage_window_limits": windows} if windows else values


def _json_rows(text: str) -> Iterator[Row]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise Malformed(error.lineno, "is no valid JSON here") from None
    except (ValueError, RecursionError):
        raise Malformed(1, "holds a number or a nesting that is too large") from None
    opening = _KEYS_ONLY.match(text) if isinstance(whole, dict) and list(whole) == ["keys"] else _JSON_BLANK.match(text)
    start = opening.end() if opening else 0
    if text[start : start + 1] != "[":
        raise Malformed(1, 'must be a list of keys, or {"keys": [...]} with such a list')
    return _elements(text, start + 1)


def _elements(text: str, at: int) -> Iterator[Row]:
    """The elements of a list in a text that is valid JSON, with their lines."""
    decoder, line, counted = json.JSONDecoder(), 1, 0
    while True:
        at = _after_blank(text, at)
        if text[at] == "]":
            return
        line, counted = line + text.count("\n", counted, at), at
        value, end = decoder.raw_decode(text, at)
        yield Row(line, value if isinstance(value, dict) else {"key": value})
        at = _after_blank(text, end)
        at += text[at] == ","


def _after_blank(text: str, at: int) -> int:
    found = _JSON_BLANK.match(text, at)
    return found.end() if found else at
