from __future__ import annotations

import pytest

from relay.config.document import MAX_DEPTH, MAX_NODES, Document, plain, read
from relay.config.syntax import Unreadable


def unreadable(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(text)
    return caught.value


def flaws(document: Document) -> list[tuple[int, tuple[str | int, ...], str]]:
    return [(flaw.line, flaw.path, flaw.message) for flaw in document.flaws]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "~", "null\n", "\ufeff"])
def test_a_file_without_values_is_an_empty_mapping(text: str) -> None:
    assert plain(read(text).root) == {}


def test_values_are_those_of_yaml_1_2() -> None:
    text = "a: {b: [1, 2.5, 'x', no, ~]}\nc: |\n  line\nd: 2027-01-31\n"
    assert plain(read(text).root) == {"a": {"b": [1, 2.5, "x", "no", None]}, "c": "line\n", "d": "2027-01-31"}


def test_a_yaml_1_1_directive_changes_nothing() -> None:
    assert plain(read("%YAML 1.1\n---\na: no\n").root) == {"a": "no"}


def test_an_alias_has_the_value_of_its_anchor() -> None:
    assert plain(read("a: &x {k: 1}\nb: *x\nc: [*x]\n").root) == {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}]}


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("b: {<<: *x, k: 2}", {"k": 2, "l": 1}),
        ("b: {k: 2, <<: *x}", {"k": 2, "l": 1}),
        ("b: {<<: [{k: 3}, *x]}", {"k": 3, "l": 1}),
        ('b: {"<<": 1}', {"<<": 1}),
    ],
)
def test_merge_keys_fill_in_what_is_not_there(text: str, merged: object) -> None:
    document = plain(read(f"a: &x {{k: 1, l: 1}}\n{text}\n").root)
    assert isinstance(document, dict)
    assert document["b"] == merged


def test_a_merge_key_with_anything_else_is_a_flaw() -> None:
    document = read("a:\n  <<: [{k: 1}, 5]\n  b: 1\n")
    assert flaws(document) == [(2, ("a",), "'<<' takes a mapping, or a list of mappings")]
    assert plain(document.root) == {"a": {"k": 1, "b": 1}}


def test_a_key_written_twice_is_a_flaw_and_the_first_is_kept() -> None:
    document = read("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert flaws(document) == [(4, ("a", "b"), "is written twice, first in line 2: keep one of them")]
    assert plain(document.root) == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize(
    ("key", "shown"), [("1", "1"), ("true", "true"), ("~", "nothing"), ("[a]", "a list"), ("{a: b}", "a mapping")]
)
def test_a_key_that_is_no_text_is_a_flaw(key: str, shown: str) -> None:
    document = read(f"x:\n  ? {key}\n  : 1\n")
    assert flaws(document) == [(2, ("x",), f"a key must be text, not {shown}: put it in quotes")]


def test_a_second_document_is_refused_where_it_begins() -> None:
    error = unreadable("a: 1\n---\nb: 2\n")
    assert error.line == 2
    assert "second YAML document" in error.message


@pytest.mark.parametrize("text", ["a: !!str 1", "a: !secret x", "!x {a: 1}", "a: !!python/object:os.system x"])
def test_tags_are_refused(text: str) -> None:
    assert "tag" in unreadable(text).message


@pytest.mark.parametrize("text", ["a: *nowhere", "a: &x [*x]", "a: &x\n  <<: *x"])
def test_an_alias_needs_an_anchor_that_was_read_before(text: str) -> None:
    assert "anchor" in unreadable(text).message


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? "])
def test_bottomless_nesting_is_refused(opening: str) -> None:
    assert f"{MAX_DEPTH} levels" in unreadable(opening * 5000).message


def test_a_thousand_million_laughs_end_at_the_sixth_line() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    error = unreadable("\n".join(lines))
    assert error.line == 6
    assert f"{MAX_NODES} values" in error.message


def test_merged_laughs_are_counted_as_well() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    assert f"{MAX_NODES} values" in unreadable("\n".join(lines)).message


def test_a_pair_of_json_escapes_is_one_character() -> None:
    assert plain(read('a: "\\ud83d\\ude00"').root) == {"a": "😀"}


@pytest.mark.parametrize("text", ['a: "\\ud83d"', '"\\ude00": 1'])
def test_half_a_character_is_refused(text: str) -> None:
    assert "half a character" in unreadable(text).message


def test_lines_are_those_of_keys_and_items() -> None:
    root = read("a: &x\n  - 1\n  -\n    b: 2\nc: *x\n").root
    assert isinstance(root.value, dict)
    assert root.value["a"].line == 1
    assert root.value["c"].line == 5
    items = root.value["a"].node.value
    assert isinstance(items, tuple)
    assert [item.line for item in items] == [2, 4]
    assert root.value["c"].node is root.value["a"].node
