from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.key_formats import Malformed, rows_of


def rows(text: str) -> list[tuple[int, dict[str, object]]]:
    return [(row.line, dict(row.options)) for row in rows_of(text)]


def malformed(text: str) -> Malformed:
    with pytest.raises(Malformed) as caught:
        list(rows_of(text))
    assert "canary" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "\n\r\n  \n", "# only a comment\n", "\ufeff", "[]", '{"keys": []}', "key,label\n"]
)
def test_a_text_without_keys_has_no_rows(text: str) -> None:
    assert rows(text) == []


def test_lines_have_the_key_first_and_then_a_label() -> None:
    text = "\ufeff# mine\nsk-1\n\n  sk-2  main account \r\nsk-3,second\rsk-4 ; third, and last\nsk-5,\n  # 6\nsk-7\t7\n"
    assert rows(text) == [
        (2, {"key": "sk-1"}),
        (4, {"key": "sk-2", "label": "main account"}),
        (5, {"key": "sk-3", "label": "second"}),
        (6, {"key": "sk-4", "label": "third, and last"}),
        (7, {"key": "sk-5"}),
        (9, {"key": "sk-7", "label": "7"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_has_the_names_of_its_columns_first(delimiter: str) -> None:
    lines = [
        "# from the vault",
        '"Label", KEY ,weight,enabled,window_5h,window_7d,expires_at',
        'one, "sk-1",2,false,5,,2027',
        "",
        ",,,,,,",
        "# sk-0",
        "007,12345678,0.5",
    ]
    assert rows("\n".join(lines).replace(",", delimiter)) == [
        (3, {
            "label": "one", "key": "sk-1", "weight": 2, "enabled": False, "expires_at": "2027",
            "usage_window_limits": {"window_5h": 5},
        }),
        (7, {"label": "007", "key": "12345678", "weight": 0.5}),
    ]  # fmt: skip


def test_a_column_of_keys_alone_is_csv_too() -> None:
    assert rows("key\nsk-1\nsk-2\n") == [(2, {"key": "sk-1"}), (3, {"key": "sk-2"})]


def test_json_is_a_list_of_keys_or_of_objects() -> None:
    text = '\n[\n"sk-1",\n {"key": "sk-2",\n "weight": 2}, 5,\n\n"sk-3"]\n'
    wanted = [
        (3, {"key": "sk-1"}),
        (4, {"key": "sk-2", "weight": 2}),
        (5, {"key": 5}),
        (7, {"key": "sk-3"}),
    ]
    assert rows(text) == wanted
    assert rows(f'{{\n"keys":{text[1:]}}}') == wanted


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[1,\n canary", 2, "no valid JSON"),
        ("{", 1, "no valid JSON"),
        ('{"key": "canary"}', 1, "must be a list"),
        ('{"keys": ["canary"], "more": 1}', 1, "must be a list"),
        ('{"keys": "canary"}', 1, "must be a list"),
        ('{"keys": "canary", "keys": ["x"]}', 1, "must be a list"),
        ("[" * 100_000, 1, "too large"),
        ("[" + "1" * 5000 + "]", 1, "too large"),
        ("key,label\ncanary,a,b\n", 2, "3 cells, and there are 2 columns"),
        ('key,label\n"canary"x,a\n', 2, "no row of CSV"),
        ('key,label\nx,"canary\n', 2, "no row of CSV"),
    ],
)
def test_a_text_that_can_not_be_taken_apart_is_told_with_its_line(text: str, line: int, words: str) -> None:
    error = malformed(text)
    assert error.line == line
    assert words in error.message


SIGNS = [*'[]{}",:;\t\n\r #', "key", "label", "sk-1", '{"keys":', "\ufeff", "\x00", "\ud800", "1e999", "NaN", '""']


@given(st.lists(st.sampled_from(SIGNS), max_size=30).map("".join) | st.text())
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        lines = [row.line for row in rows_of(text)]
    except Malformed as error:
        lines = [error.line]
    assert all(1 <= line <= len(text) + 1 for line in lines)
