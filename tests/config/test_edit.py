"""What each change makes of a text; `tests/config/editing` has the properties that hold for all of them."""

from __future__ import annotations

import pytest

from relay.config.document import plain, read
from relay.config.edit import Append, Change, Delete, Insert, InsertItems, Move, Rename, Reorder, Set, edited
from relay.errors import ConfigError, Problem
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured

EXAMPLE = EXAMPLE_CONFIG.read_text(encoding="utf-8")


def refused(text: str, *changes: Change) -> Problem:
    """The reason why the changes can't be made."""
    with pytest.raises(ConfigError) as caught:
        edited(text, changes, source="config.yml")
    (problem,) = caught.value.problems
    return problem


def differing(text: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that are only in the one, and those that are only in the other."""
    before, now = text.splitlines(), after.splitlines()
    return [line for line in before if line not in now], [line for line in now if line not in before]


def test_no_change_leaves_the_text_as_it_is() -> None:
    assert edited(EXAMPLE, []) == EXAMPLE
    assert edited(EXAMPLE, [Set((), plain(read(EXAMPLE).root))]) == EXAMPLE
    assert edited("\ufeffa:   1\r\n---\r\n".replace("---\r\n", ""), [Set(("a",), 1)]) == "\ufeffa:   1\r\n"


def test_one_value_of_the_example_is_one_line() -> None:
    after = edited(EXAMPLE, [Set(("server", "port"), 9000)])
    assert differing(EXAMPLE, after) == (["  port: 8787"], ["  port: 9000"])
    assert configured(after).server.port == 9000


def test_a_provider_comes_behind_the_others_with_an_empty_line_between() -> None:
    new = {"base_url": "https://x.example/v1", "keys": [{"key": "k-1", "label": "main"}]}
    after = edited(EXAMPLE, [Set(("providers", "new"), new)])
    written = (
        "    timeout: {connect: 10, first_byte: 120, idle: 120, total: 1800}\n\n  new:\n"
        "    base_url: https://x.example/v1\n    keys:\n      - key: k-1\n        label: main\n\n# From the name"
    )
    assert written in after
    assert len(after.splitlines()) == len(EXAMPLE.splitlines()) + 6
    assert list(configured(after).providers) == ["openrouter", "anthropic", "new"]


def test_providers_change_places_with_all_of_their_lines() -> None:
    after = edited(EXAMPLE, [Move(("providers", "anthropic"), 0)])
    assert list(configured(after).providers) == ["anthropic", "openrouter"]
    assert sorted(after.splitlines()) == sorted(EXAMPLE.splitlines())
    assert edited(after, [Reorder(("providers",), ("openrouter", "anthropic"))]) == EXAMPLE


def test_a_deleted_provider_takes_its_lines_along_and_no_others() -> None:
    after = edited(EXAMPLE, [Delete(("providers", "openrouter"))])
    start, end = EXAMPLE.index("  openrouter:"), EXAMPLE.index("  anthropic:")
    assert after == EXAMPLE[:start] + EXAMPLE[end:]


def test_many_changes_are_made_one_after_the_other() -> None:
    changes: list[Change] = [
        Rename(("providers", "openrouter"), "or"),
        Set(("providers", "or", "enabled"), True),
        Append(("providers", "or", "keys"), [{"key": "k-2", "label": "second"}]),
        Delete(("providers", "or", "keys", 0)),
        Set(("providers", "or", "keys", 0, "weight"), 2),
    ]
    provider = configured(edited(EXAMPLE, changes)).providers["or"]
    assert (provider.enabled, [(key.label, key.weight) for key in provider.keys]) == (True, [("second", 2)])


ABOUT = """\
# about it all

# about a
a: 1 # one

# nobody's

# about b
b:  # two
  c: 3
  # among b's
# about d
d: 4
"""
A, B, D = "# about a\na: 1 # one\n", "# about b\nb:  # two\n  c: 3\n  # among b's\n", "# about d\nd: 4\n"


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Delete(("a",)), ABOUT.replace(f"{A}\n", "")),
        (Delete(("b",)), ABOUT.replace(B, "")),
        (Delete(("d",)), ABOUT.replace(D, "")),
        (Delete(("b", "c")), ABOUT.replace("b:  # two\n  c: 3\n", "b: {}  # two\n")),
        (Set(("b", "c"), {"e": [1]}), ABOUT.replace("  c: 3\n", "  c:\n    e: [1]\n")),
        (Set(("b",), 5), ABOUT.replace("b:  # two\n  c: 3\n", "b: 5  # two\n")),
        (Set(("a",), {"x": 1}), ABOUT.replace("a: 1 # one\n", "a: # one\n  x: 1\n")),
        (Set(("b", "new"), None), ABOUT.replace("  # among b's\n", "  new: null\n  # among b's\n")),
        (Insert(("x",), 0, 0), ABOUT.replace("# about a\n", "x: 0\n\n# about a\n")),
        (Insert(("x",), 0, 2), ABOUT.replace("# about d\n", "x: 0\n\n# about d\n")),
        (Rename(("b",), "a b"), ABOUT.replace("b:  # two", '"a b":  # two')),
        (Rename(("b",), "b"), ABOUT),
        (Move(("d",), 0), f"# about it all\n\n{D}\n# nobody's\n\n{A}{B}"),
    ],
)
def test_comments_go_with_what_they_are_about(change: Change, after: str) -> None:
    assert edited(ABOUT, [change]) == after


@pytest.mark.parametrize(
    ("text", "change", "after"),
    [
        ("a:\n  - x\n  # y's\n  - y # 2\n", Move(("a", 1), 0), "a:\n  # y's\n  - y # 2\n  - x\n"),
        (
            "a:\n- x\n- y\n",
            InsertItems(("a",), [{"k": 1, "l": [{}]}, []], 1),
            "a:\n- x\n- k: 1\n  l:\n    - {}\n- []\n- y\n",
        ),
        ("a:\n  - k: 1 # k\n    l: 2\n", Delete(("a", 0, "k")), "a:\n  - l: 2\n"),
        ("a:\n  - k: 1\n\n    # l\n    l: 2\n", Delete(("a", 0, "k")), "a:\n  - # l\n    l: 2\n"),
        ("a:\n  - k: 1 # k\nb: 2\n", Delete(("a", 0, "k")), "a:\n  - {}\nb: 2\n"),
        ("a:\n  - # one\n    k: 1\n", Delete(("a", 0, "k")), "a:\n  - {} # one\n"),
        ("a:\n  - k: 1\n    l: 2\n", Move(("a", 0, "l"), 0), "a:\n  - l: 2\n    k: 1\n"),
        ("a:\n  - k: 1\n", Set(("a", 0), {"k": [{"m": 1}]}), "a:\n  - k:\n      - m: 1\n"),
        ("a:\n  - k: 1\n", Set(("a", 0), "x"), "a:\n  - x\n"),
        ("a:\n  - x # c\n", Set(("a", 0), {"k": 1, "l": 2}), "a:\n  - k: 1\n    l: 2 # c\n"),
        ("a:\n  - - x\n", Set(("a", 0), {"k": 1}), "a:\n  - k: 1\n"),
        ("a:\n  -\n    - x\n", Set(("a", 0), {"k": 1}), "a:\n  -\n    k: 1\n"),
        ("a:\n  -\n", Set(("a", 0), 1), "a:\n  - 1\n"),
        ("a: # c\n", Set(("a",), 1), "a: 1 # c\n"),
        ("a: &x\n  b: 1\n", Set(("a",), 1), "a: 1\n"),
        ("a: &x\n  b: 1\n", Set(("a",), [{"b": 1}]), "a:\n  - b: 1\n"),
        ("a: &x\n  b: 1\n", Delete(("a", "b")), "a: {}\n"),
        ("a: |\n  x\n  y\n\nb: 1\n", Set(("a",), "z"), "a: z\n\nb: 1\n"),
        ("a: 1\nb: |\n  x\n\n\n", Set(("c",), 1), "a: 1\nb: |\n  x\nc: 1\n\n\n"),
        ("a: 1\r\nb:\r\n  c: 1", Set(("b", "d"), {"e": 1}), "a: 1\r\nb:\r\n  c: 1\r\n  d:\r\n    e: 1"),
        ("a: 1\n\nb: 2\n\n", Delete(("b",)), "a: 1\n\n"),
        ("a: 1\n\nb: 2\n\n\nc: 3\n", Delete(("b",)), "a: 1\n\n\nc: 3\n"),
        ("a: 1\nb: 2", Delete(("b",)), "a: 1\n"),
        ("# h\na: 1 # c\n# t\n", Delete(("a",)), "# h\n{}\n# t\n"),
        ("a:\n  b: 1\n  ", Set(("a", "c"), 2), "a:\n  b: 1\n  c: 2\n  "),
        ("a:\n  b: 1\n\n  # deep", Set(("c",), 2), "a:\n  b: 1\n\n  # deep\nc: 2"),
        ("a:\n  b: 1\n    \n", Set(("c",), 2), "a:\n  b: 1\nc: 2\n    \n"),
        ("a:\n", Insert(("a", "b"), 1, 0), "a:\n  b: 1\n"),
        ("a: ~ # c\n", Append(("a",), [{"b": 1}]), "a: # c\n  - b: 1\n"),
        ("a: &k b\n*k : 1\n", Set(("b",), 2), "a: &k b\n*k : 2\n"),
        ("&k a: *k\n", Set(("b",), 2), "&k a: *k\nb: 2\n"),
    ],
)
def test_lines_of_their_own(text: str, change: Change, after: str) -> None:
    assert edited(text, [change]) == after


@pytest.mark.parametrize(
    ("text", "change", "after"),
    [
        ("{a: 1, b: 2}", Delete(("a",)), "{b: 2}"),
        ("{a: 1, b: 2}", Delete(("b",)), "{a: 1}"),
        ("{a: 1}", Delete(("a",)), "{}"),
        ("{a: 1, }", Delete(("a",)), "{}"),
        ("a: [\n  1, # one\n  2, # two\n]\n", Delete(("a", 0)), "a: [\n  2, # two\n]\n"),
        ("a: [\n  1, # one\n  2 # two\n]\n", Delete(("a", 1)), "a: [\n  1, # one\n]\n"),
        ("a: [\n  1, # one\n  2]\n", Delete(("a", 1)), "a: [\n  1, # one\n  ]\n"),
        ("a: [1, 2]", InsertItems(("a",), [0, {"b": [{}]}], 0), "a: [0, {b: [{}]}, 1, 2]"),
        ("a: [1, 2,]", Append(("a",), ["no"]), 'a: [1, 2, "no",]'),
        ("{a: , b: }", Set(("c",), 1), "{a: , b: , c: 1 }"),
        ("{a, b}", Set(("a",), 1), "{a: 1, b}"),
        ("{a: 1, b: {c: 2}}", Reorder((), ("b", "a")), "{b: {c: 2}, a: 1}"),
        ("{a: {b: 1}, 'c':2}", Set(("c",), {"d": {}}), "{a: {b: 1}, 'c':{d: {}}}"),
        ("{'a':1}", Rename(("a",), "b"), '{"b":1}'),
        ("a: {b: 1} # c\n", Set(("a",), [{"b": 1}]), "a: [{b: 1}] # c\n"),
        ("a: {} # c\n", Set(("a", "b"), {"d": 1}), "a: # c\n  b:\n    d: 1\n"),
        ("a: { # c\n  }\n", Set(("a", "b"), {"d": 1}), "a: {b: {d: 1}  # c\n  }\n"),
        ("a: [x: 1, y]", Delete(("a", 0)), "a: [y]"),
    ],
)
def test_braces_and_brackets(text: str, change: Change, after: str) -> None:
    assert edited(text, [change]) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "a:\n  b: 1\n"),
        ("# c", "# c\na:\n  b: 1"),
        ("# c\n\n", "# c\n\na:\n  b: 1\n"),
        ("\ufeff", "\ufeffa:\n  b: 1\n"),
        ("---\n# c\n", "---\na:\n  b: 1\n# c\n"),
        ("--- ~ # c\n...\n", "---  # c\na:\n  b: 1\n...\n"),
        ("{}\n", "a:\n  b: 1\n"),
        ("  ~\n", "  a:\n    b: 1\n"),
    ],
)
def test_an_empty_document_gets_its_first_entry(text: str, after: str) -> None:
    assert edited(text, [Set(("a", "b"), 1)]) == after


SHARED = "a: &x {k: 1}\nb: *x\nc: {<<: *x, z: 1}\nd:\n  <<: *x\n  e: 2\n"


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Set(("b", "k"), 2), SHARED.replace("b: *x", "b:\n  k: 2")),
        (Append(("b", "l"), [2]), SHARED.replace("b: *x", "b:\n  k: 1\n  l: [2]")),
        (Delete(("b", "k")), SHARED.replace("b: *x", "b: {}")),
        (Set(("c", "k"), 2), SHARED.replace("z: 1", "z: 1, k: 2")),
        (Set(("d", "k"), 2), SHARED + "  k: 2\n"),
        (Insert(("d", "l"), 2, 2), SHARED + "  l: 2\n"),
        (Rename(("a",), "q"), "q" + SHARED[1:]),
        (Set(("d", "e"), 3), SHARED.replace("e: 2", "e: 3")),
    ],
)
def test_what_is_written_elsewhere_is_written_out_where_it_changes(change: Change, after: str) -> None:
    assert edited(SHARED, [change]) == after


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Set(("a", "k"), 2), "without changing what stands elsewhere"),
        (Delete(("a",)), "without changing what stands elsewhere"),
        (Move(("a",), 3), "without changing what stands elsewhere"),
        (Delete(("d", "k")), "comes from another mapping"),
        (Rename(("c", "k"), "l"), "comes from another mapping"),
        (Move(("d", "e"), 0), "no order of its own"),
        (Insert(("d", "f"), 1, 0), "no order of its own"),
    ],
)
def test_what_others_share_is_not_changed_behind_their_back(change: Change, words: str) -> None:
    assert words in refused(SHARED, change).message


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        ("? a\n: 1\n", Set(("a",), 2), "is written with a '?'"),
        ("? a\n: 1\n", Set(("b",), 2), "is written with a '?'"),
        ("a: {b: 1, # one\n  c: 2}\n", Move(("a", "b"), 1), "has comments in its braces"),
        ("a: |+\n  x\n\n", Set(("b",), 1), "without changing what stands elsewhere"),
        ("a: [x: 1]\n", Set(("a", 0, "y"), 2), "without changing what stands elsewhere"),
    ],
)
def test_forms_that_would_be_damaged_are_left_alone(text: str, change: Change, words: str) -> None:
    assert words in refused(text, change).message


@pytest.mark.parametrize(
    ("change", "line", "path", "message"),
    [
        (Set(("a", "b", 0, "c"), 1), 2, "a.b[0]", "is no mapping"),
        (Set(("a", "b", 7), 1), 2, "a.b[7]", "is not there"),
        (Set(("a", "x", 0), 1), 1, "a.x[0]", "is not there"),
        (Set(("a", "b", "c"), 1), 2, "a.b", "is no mapping"),
        (Delete(("a", "x")), 1, "a.x", "is not there"),
        (Rename(("a", "x"), "y"), 1, "a.x", "is not there"),
        (Rename(("a", "b", 0), "y"), 2, "a.b", "is no mapping"),
        (Rename(("a", "b"), "c"), 3, "a.c", "is there already"),
        (Move(("a", "b"), 2), 2, "a.b", "has no position 2: there are 0 to 1"),
        (Move(("a", "b", 5), 0), 2, "a.b[5]", "is not there"),
        (Insert(("a", "b"), 1, 0), 2, "a.b", "is there already"),
        (Insert(("a", 0), 1, 0), 1, "a[0]", "is not there"),
        (Insert(("a", "x"), 1, 3), 1, "a", "has no position 3: there are 0 to 2"),
        (InsertItems(("a", "b"), [1], -1), 2, "a.b", "has no position -1: there are 0 to 1"),
        (InsertItems(("a",), [1], 0), 1, "a", "is no list"),
        (Append(("a", "c"), [1]), 3, "a.c", "is no list"),
        (Reorder(("a",), ("b",)), 1, "a", "can't be ordered like that: name each one that is there, once"),
        (Reorder(("a", "b"), (0, 0)), 2, "a.b", "can't be ordered like that: name each one that is there, once"),
        (Reorder(("a", "c"), ()), 3, "a.c", "is no mapping"),
        (Set(("a", "c"), float("nan")), 3, "a.c", "is no finite number"),
        (Set(("a", "c"), {"x": [object()]}), 3, "a.c", "is no value of JSON"),
        (Append(("a", "b"), [{1: 2}]), 2, "a.b", "holds a name that is no text"),
        (Insert(("a", "d"), 10**40, 0), 1, "a.d", "is a very large number"),
        (Set(("a", "c"), "\ud800"), 3, "a.c", "holds half a character"),
        (Set(("a", "c"), {"\udfff": 1}), 3, "a.c", "holds half a character"),
    ],
)
def test_what_can_not_be_is_told_with_its_place(change: Change, line: int, path: str, message: str) -> None:
    assert refused("a:\n  b: [1]\n  c: 2\n", change) == Problem("config.yml", line, path, message)


@pytest.mark.parametrize("change", [Set((), []), Delete(()), Rename((), "x"), Move((), 0), Insert((), 1, 0)])
def test_the_document_as_a_whole_stays(change: Change) -> None:
    assert "as a whole must be a mapping" in refused("a: 1\n", change).message


def test_a_value_may_not_be_deeper_than_any_file() -> None:
    value: object = 1
    for _ in range(5000):
        value = [value]
    assert refused("a: 1\n", Set(("a",), value)).message == "is nested more than 64 levels deep"


@pytest.mark.parametrize("text", ["- 1\n", "5\n"])
def test_a_document_that_is_no_mapping_is_not_edited(text: str) -> None:
    assert refused(text, Set(("a",), 1)).message == "is no mapping"


def test_a_text_that_can_not_be_read_is_not_edited() -> None:
    assert refused("a: b: c\n").line == 1
    assert refused("a: 1\na: 2\n").path == "a"


def test_what_can_not_be_made_at_once_is_made_one_by_one() -> None:
    assert edited("a: [1, 2, 3]\n", [Delete(("a", 0)), Delete(("a", 0))]) == "a: [3]\n"
    assert edited("a:\n  b: 1\n  c: 2\n", [Delete(("a", "b")), Delete(("a", "c"))]) == "a: {}\n"
    assert edited("a:\n", [Set(("a",), 1), Set(("a",), 2)]) == "a: 2\n"
