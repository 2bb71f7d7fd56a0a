"""Generated YAML texts in all the forms that people write, and what is known of each: values and whose comments."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import strategies as st

from relay.config.findings import KeyPath

NAMES = ["a", "b", "key", "label", "x y", "no", "1", "", "é", "a:b", "#c", "providers"]
TEXTS = [
    "",
    "word",
    "two words",
    "no",
    "1",
    "0x1F",
    "a: b",
    "x #y",
    "it's",
    '"',
    "\\",
    "é😀",
    "a\nb",
    "${A:-}",
    "-",
    "~",
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1000, 1000), st.floats(-9, 9), st.sampled_from(TEXTS), st.text(max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
MAPPINGS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES), st.one_of(VALUES, MAPPINGS, st.lists(MAPPINGS, max_size=3)), min_size=1, max_size=4
)


class Comment(NamedTuple):
    """A comment of a generated text."""

    text: str
    owner: KeyPath
    """The entry or item that it belongs to."""


@dataclass(frozen=True)
class Written:
    """A generated text."""

    text: str
    values: dict[str, Any]
    comments: list[Comment]


@dataclass
class Writer:
    """Writes values in forms that are drawn."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    comments: list[Comment] = field(default_factory=list)

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def comment(self, owner: KeyPath) -> str:
        """One that is found again: no other holds its text."""
        start, end = self.draw(st.sampled_from(["# ", "#"])), self.draw(st.sampled_from([".", ": x", " [", "; # é"]))
        text = f"{start}c{len(self.comments)}{end}"
        self.comments.append(Comment(text, owner))
        return text

    def behind(self, owner: KeyPath) -> str:
        """A comment at the end of a line, or none."""
        return f"{self.draw(st.sampled_from([' ', '   ']))}{self.comment(owner)}" if self.chance(4) else ""

    def mapping(self, values: dict[str, Any], path: KeyPath, column: int) -> list[str]:
        lines: list[str] = []
        for name, value in values.items():
            lines += self.above((*path, name), path, column)
            lines += self.member(f"{self.scalar(name)}:", value, (*path, name), column)
        return lines + self.among(path, column)

    def listing(self, values: list[Any], path: KeyPath, column: int) -> list[str]:
        lines: list[str] = []
        for number, value in enumerate(values):
            lines += self.above((*path, number), path, column)
            lines += self.item(value, (*path, number), column)
        return lines + self.among(path, column)

    def above(self, owner: KeyPath, path: KeyPath, column: int) -> list[str]:
        """Empty lines and comments in front of a member."""
        lines = [""] * self.draw(st.sampled_from([0, 0, 0, 1, 2]))
        if self.chance(6):
            at = self.draw(st.sampled_from([column, column, 0]))
            lines += [" " * at + self.comment(path), ""]
        if self.chance(3):
            lines += [" " * column + self.comment(owner) for _ in range(self.draw(st.integers(1, 2)))]
        return lines

    def among(self, path: KeyPath, column: int) -> list[str]:
        """A comment at the end of a collection, among its members."""
        return [" " * column + self.comment(path)] if path and self.chance(6) else []

    def member(self, head: str, value: Any, path: KeyPath, column: int) -> list[str]:
        """An entry, from its line on."""
        start = " " * column + head
        if value is None and self.chance(2):
            return [start + self.behind(path)]
        if isinstance(value, dict) and value and not self.chance(3):
            below = column + self.draw(st.sampled_from([1, 2, 2, 4]))
            return [start + self.behind(path), *self.mapping(value, path, below)]
        if isinstance(value, list) and value and not self.chance(3):
            below = column + self.draw(st.sampled_from([0, 2, 2, 4]))
            return [start + self.behind(path), *self.listing(value, path, below)]
        return self.inline(start + self.draw(st.sampled_from([" ", " ", "   "])), value, path, column)

    def item(self, value: Any, path: KeyPath, column: int) -> list[str]:
        """An item with its dash."""
        if not isinstance(value, dict | list) or not value or self.chance(3):
            is_empty = value is None and self.chance(2)
            start = " " * column + "-"
            return [start + self.behind(path)] if is_empty else self.inline(start + " ", value, path, column)
        starts_below = self.chance(3)
        head = [" " * column + "-" + self.behind(path)] if starts_below else []
        lines = self.collection(value, path, column + 2)
        return [*head, *lines] if starts_below else self.compact(lines, column)

    def collection(self, value: Any, path: KeyPath, column: int) -> list[str]:
        """Its members, on lines of their own."""
        return self.mapping(value, path, column) if isinstance(value, dict) else self.listing(value, path, column)

    def compact(self, lines: list[str], column: int) -> list[str]:
        """The first member of a collection on the line of the dash, unless something stands above it."""
        if lines[0][: column + 2].strip() or not lines[0].strip() or lines[0].strip().startswith("#"):
            return [" " * column + "-", *lines]
        return [" " * column + "- " + lines[0][column + 2 :], *lines[1:]]

    def inline(self, start: str, value: Any, path: KeyPath, column: int) -> list[str]:
        """A value from the line of its name on."""
        if isinstance(value, str) and value and value.isprintable() and value[0] not in " \t" and self.chance(6):
            sign = self.draw(st.sampled_from(["|-", ">-"]))
            return [start + sign + self.behind(path), " " * (column + 2) + value, *[""] * self.draw(st.integers(0, 1))]
        first, *others = self.flow(value, path, column + 2)
        lines = [start + first, *others]
        lines[-1] += self.behind(path)
        return lines

    def flow(self, value: Any, path: KeyPath, column: int) -> list[str]:
        """A value in braces, brackets or quotes, on one line or on several."""
        if not isinstance(value, dict | list):
            return [self.scalar(value)]
        opened, closed = "{}" if isinstance(value, dict) else "[]"
        pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        heads = [f"{self.scalar(name)}: " if isinstance(value, dict) else "" for name, _ in pairs]
        if pairs and self.chance(4):
            return self.spread(opened, closed, heads, pairs, path, column)
        parts = [head + self.flow_line(below, (*path, name)) for head, (name, below) in zip(heads, pairs, strict=True)]
        end = self.draw(st.sampled_from(["", " ", ","])) if parts else self.draw(st.sampled_from(["", " "]))
        return [opened + self.draw(st.sampled_from([", ", ","])).join(parts) + end + closed]

    def flow_line(self, value: Any, path: KeyPath) -> str:
        if not isinstance(value, dict | list):
            return self.scalar(value)
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        parts = [
            (f"{self.scalar(name)}: " if isinstance(value, dict) else "") + self.flow_line(below, path)
            for name, below in pairs
        ]
        return f"{{{', '.join(parts)}}}" if isinstance(value, dict) else f"[{', '.join(parts)}]"

    def spread(
        self, opened: str, closed: str, heads: list[str], pairs: list[Any], path: KeyPath, column: int
    ) -> list[str]:
        """A member a line."""
        lines = [opened]
        if self.chance(4):
            lines[0] += " " + self.comment(path)
        for number, (head, (name, below)) in enumerate(zip(heads, pairs, strict=True)):
            if self.chance(5):
                lines.append(" " * column + self.comment(path))
            comma = "," if number < len(pairs) - 1 or self.chance(2) else ""
            lines.append(
                " " * column + head + self.flow_line(below, (*path, name)) + comma + self.behind((*path, name))
            )
        return [*lines, " " * column + closed]

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        forms = [json.dumps(value), json.dumps(value, ensure_ascii=not value.isprintable())]
        if value.isprintable():
            forms.append(f"'{value.replace(chr(39), chr(39) * 2)}'")
        if value in {"word", "two words", "a", "b", "key", "label", "x y", "no", "providers", "é"}:
            forms += [value, value]
        return str(self.draw(st.sampled_from(forms)))


@st.composite
def texts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Written:
    """Texts without anchors, block scalars that keep their end, and other forms that an edit may refuse."""
    values = draw(DOCUMENTS)
    writer = Writer(draw)
    lines = writer.mapping(values, (), 0)
    start = draw(st.sampled_from(["", "", "", "\ufeff", "---\n", "# head\n\n", "%YAML 1.2\n---\n"]))
    end = draw(st.sampled_from(["\n", "\n", "", "\n\n", "\n...\n", "\n# tail\n"]))
    text = start + "\n".join(lines) + end
    if draw(st.integers(0, 3)) == 0:
        text = text.replace("\n", "\r\n")
    return Written(text, copy.deepcopy(values), writer.comments)
