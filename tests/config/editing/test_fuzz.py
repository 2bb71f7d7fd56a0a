"""Whatever text and change: the change is made exactly, or is refused in words; a secret is in none of them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.config.document import plain, read
from relay.config.edit import Append, Change, Delete, Insert, InsertItems, Move, Rename, Reorder, Set, edited
from relay.config.syntax import Unreadable
from relay.errors import ConfigError
from relay.resources import EXAMPLE_CONFIG
from tests.config.editing.asking import canonical, changes, model
from tests.config.editing.documents import NAMES, VALUES

EXAMPLE = EXAMPLE_CONFIG.read_text(encoding="utf-8")
NASTY = {
    "anchors": "a: &x {k: 1}\nb: *x\nc: {<<: *x, z: 1}\nd:\n  <<: [*x, {y: 2}]\n  e: 2 # e\n&n key: *x\n",
    "an anchor of a list": "a: &x # x\n  - &y 1\n  - {b: *y}\nb:\n  - *x\n  - *y\n",
    "question marks": "? a\n: 1\n? b # b\n:\n  - c\nd: {? e : f}\n",
    "kept ends": "a: |+\n  x\n\n\nb: >+2\n    y\n\nc:\n - |\n  z\n\n# d\nd: |-\n",
    "folded": "a: 'x\n\n  y'\nb: \"x\\\n  y\"\nc: x\n  y # c\nd: [x\n  y, z]\n",
    "pairs": "a: [x: 1, y, 'z': , ? q]\nb: {c, d: , 'e':1, f : 2,}\n",
    "a document with marks": "%YAML 1.2\n# 1\n--- # 2\n# 3\na: 1\n# 4\n... # 5\n",
    "values on their own line": "a:\n  # 1\n  b\nc:\n  &x\n  d: 1\ne:\n  {f: 1,\n  # 2\n  }\n",
    "lists without indentation": "a:\n- b\n# 1\n-\n  c\n- - d\n  - e\n-   f: 1\n    g: 2\nh: # 2\n- i # 3\n",
    "other line ends": "a: 1\rb: 'x\u2028y' # c\rc:\r  d: 3 # \x85# x\r",
    "tabs": "b: [\tc,\td ]\nd: {e: 1,\n\tf: 2\t}\n",
}
CANARY = "canary-4b7e"


def values_of(text: str) -> dict[str, Any] | None:
    """The values of a text that can be edited."""
    try:
        document = read(text)
    except Unreadable:
        return None
    values = plain(document.root)
    return values if isinstance(values, dict) and not document.flaws else None


@pytest.mark.parametrize("name", NASTY)
@given(st.data())
def test_an_unusual_text_is_changed_exactly_or_not_at_all(name: str, data: st.DataObject) -> None:
    values = values_of(NASTY[name])
    assert values is not None
    change = data.draw(changes(values))
    with contextlib.suppress(ConfigError):
        assert canonical(values_of(edited(NASTY[name], [change]))) == canonical(model(values, change))


@settings(max_examples=30)
@given(st.data())
def test_the_example_is_changed_exactly(data: st.DataObject) -> None:
    values = values_of(EXAMPLE)
    assert values is not None
    change = data.draw(changes(values))
    assert canonical(values_of(edited(EXAMPLE, [change]))) == canonical(model(values, change))


PARTS = st.sampled_from([*NAMES, "providers", "openrouter", "keys"]) | st.integers(-1, 3)
PATHS = st.lists(PARTS, max_size=4).map(tuple)
ANY_CHANGE: st.SearchStrategy[Change] = st.one_of(
    st.builds(Set, PATHS, VALUES),
    st.builds(Delete, PATHS),
    st.builds(Rename, PATHS, st.sampled_from(NAMES)),
    st.builds(Insert, PATHS, VALUES, st.integers(-1, 3)),
    st.builds(InsertItems, PATHS, st.lists(VALUES, max_size=2), st.integers(-1, 3)),
    st.builds(Append, PATHS, st.lists(VALUES, max_size=2)),
    st.builds(Move, PATHS, st.integers(-1, 3)),
    st.builds(Reorder, PATHS, st.lists(PARTS, max_size=3).map(tuple)),
)
SIGNS = [
    *"{}[]:,#&*!|>'\"%@`-?<\\ \n\t~$.0aU/+=",
    "<<",
    "\x85",
    "\u2028",
    "\ufeff",
    "\x00",
    "---\n",
    "*x",
    "&x ",
    "\r\n",
]


@given(st.sampled_from(sorted(NASTY)), st.data(), st.lists(ANY_CHANGE, max_size=3))
def test_any_change_of_any_text_is_made_or_refused(name: str, data: st.DataObject, some: list[Change]) -> None:
    text = NASTY[name]
    start, removed = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 20))
    added = "".join(data.draw(st.lists(st.sampled_from(SIGNS), max_size=4)))
    with contextlib.suppress(ConfigError):
        after = edited(text[:start] + added + text[start + removed :], some)
        assert values_of(after) is not None or not some


def words_on(text: str, some: list[Change]) -> str:
    """What is said of the changes where they are refused."""
    try:
        edited(text, some)
    except ConfigError as error:
        return str(error)
    return ""


@given(st.lists(ANY_CHANGE, max_size=2))
def test_no_refusal_tells_a_value(some: list[Change]) -> None:
    text = f"a: &x {CANARY}\nb: [{CANARY}, *x]\nproviders: {{openrouter: {{keys: [{{key: {CANARY}}}]}}}}\n"
    assert CANARY not in words_on(text, [*some, Set(("a",), [CANARY])])
