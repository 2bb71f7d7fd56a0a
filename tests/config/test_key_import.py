from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.edit import Append, edited
from relay.config.key_import import MAX_BYTES, MAX_KEYS, imported
from relay.errors import ConfigError, Problem
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured

CANARY = "sk-canary-0123456789abcdef"


def refused(text: str, *, known_labels: tuple[str, ...] = ()) -> list[tuple[int | None, str]]:
    """(line, message) of everything wrong with an import."""
    with pytest.raises(ConfigError) as caught:
        imported(text, known_labels=known_labels)
    return [(problem.line, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "sk-11111111\nsk-22222222 two\n",
        "key,label\nsk-11111111,\nsk-22222222,two\n",
        '["sk-11111111", {"key": "sk-22222222", "label": "two"}]',
        '{"keys": [{"key": "sk-11111111", "label": ""}, {"label": "two", "key": "sk-22222222"}]}',
    ],
)
def test_every_form_gives_the_same_keys(text: str) -> None:
    found = imported(text)
    assert list(found.keys) == [{"key": "sk-11111111", "label": "key-1"}, {"key": "sk-22222222", "label": "two"}]
    assert found.duplicates == 0


def test_keys_are_appended_to_a_provider_as_they_come() -> None:
    text = "key,label,weight,enabled,expires_at,window_1d\nsk-11111111,one,3,false,2027-01-31,7\n${KEY:-},two\n"
    change = Append(("providers", "openrouter", "keys"), imported(text, known_labels=["main"]).keys)
    after = configured(edited(EXAMPLE_CONFIG.read_text(encoding="utf-8"), [change]))
    keys = after.providers["openrouter"].keys
    assert [(key.label, key.weight, key.enabled) for key in keys] == [
        ("main", 1, True),
        ("one", 3, False),
        ("two", 1, True),
    ]
    assert (keys[1].usage_window_limits.window_1d, keys[1].key.get_secret_value()) == (7, "sk-11111111")


def test_a_key_that_is_there_is_left_out() -> None:
    found = imported("sk-11111111\nsk-22222222 a\nsk-11111111 b\n", known_keys=["sk-22222222"])
    assert [key["key"] for key in found.keys] == ["sk-11111111"]
    assert found.duplicates == 2


def test_keys_without_a_label_get_one_that_is_free() -> None:
    found = imported("sk-11111111\nsk-22222222 KEY-3\nsk-33333333\n", known_labels=["main", "key-4"])
    assert [key["label"] for key in found.keys] == ["key-5", "KEY-3", "key-6"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("short", "has fewer than 8 characters"),
        ("OPENAI_API_KEY=" + CANARY, "begins with 'NAME='"),
        (f'"{CANARY}"', "stands in quotes"),
        (f"'{CANARY}'", "stands in quotes"),
        (f"{CANARY}$x", "holds a '$'"),
        ("${KEY:-" + CANARY + "}", "holds a '$'"),
        (f"{CANARY}é", "character that no key has"),
        ("sk-can…cdef", "character that no key has"),
    ],
)
def test_what_can_not_be_a_key_is_told_without_it(key: str, reason: str) -> None:
    for text, line in [(f"# c\n{key}\n", 2), (f"[\n\n{json.dumps(key)}]", 3)]:
        ((told_line, message),) = refused(text)
        assert (told_line, CANARY in message) == (line, False)
        assert message.startswith("can't be a key: it")
        assert reason in message


@pytest.mark.parametrize(
    "text", ['[""]', "[null]", "[[1]]", '[{"label": "x"}]', '[{"key": {"a": 1}}]', "label,key\nx,\n"]
)
def test_what_has_no_key_is_told(text: str) -> None:
    assert [message for _, message in refused(text)] == ["can't be a key: it is no text, or empty (it is not shown)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"first-account {CANARY}", "has a label that looks like a key: write the key first (it is not shown)"),
        ("sk-11111111 " + "x y" * 30, "has a label that has more than 64 characters (it is not shown)"),
        ('[{"key": "sk-11111111", "label": 5}]', "has a label that is no text (it is not shown)"),
        ("sk-11111111 a\x07b", "label must not hold a line end or another control character"),
        (f'[{{"key": "sk-11111111", "weight": "{CANARY}"}}]', "weight must be a whole number without quotes"),
        (f'[{{"key": "sk-11111111", "wieght": "{CANARY}"}}]', "wieght is not an option here (did you mean 'weight'?)"),
        (
            '[{"key": "sk-11111111", "usage_window_limits": {"window_5": 1}}]',
            "usage_window_limits.window_5 is not an option here (did you mean 'window_5h' or 'window_7d'?)",
        ),
        (f"key,max_parallel\nsk-11111111,{CANARY}", "max_parallel must be a whole number without quotes"),
        (
            f'[{{"key": "sk-11111111", "{CANARY}": 1}}]',
            "holds a name that can't stand here, or has no value (it is not shown, it may be a secret)",
        ),
        (f'[{{"key": "sk-11111111", "expires_at": "{CANARY}"}}]', (
            "expires_at must be a date and time such as 2027-01-31T12:00:00Z, or empty for never"
        )),
        ('[{"key": "sk-11111111", "usage_window_limits": {"window_5h": -1}}]',
            "usage_window_limits.window_5h must be at least 0"),
    ],
)  # fmt: skip
def test_other_slips_are_told_without_what_stands_there(text: str, message: str) -> None:
    assert [found for _, found in refused(text)] == [message]


def test_labels_are_those_of_one_key() -> None:
    assert refused("sk-11111111 main\nsk-22222222 Two\nsk-33333333 two\n", known_labels=("MAIN",)) == [
        (1, "has the label of another key: give each its own"),
        (3, "has the label of another key: give each its own"),
    ]


def test_everything_wrong_is_told_in_order_of_the_lines() -> None:
    assert [line for line, _ in refused("x\nsk-11111111 a\ny\nsk-22222222 a\n")] == [1, 3, 4]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, f"holds 0 keys: import 1 to {MAX_KEYS} at once"),
        ("sk-00000000\n" * (MAX_KEYS + 1), None, "holds 1001 keys: import 1 to 1000 at once"),
        ("é" * (MAX_BYTES // 2 + 1), None, "holds more than 1 MiB"),
        ("[1", 1, "is no valid JSON here"),
    ],
    ids=["nothing", "many keys", "many bytes", "malformed"],
)  # fmt: skip
def test_imports_are_bounded(text: str, line: int | None, message: str) -> None:
    assert refused(text) == [(line, message)]


def test_a_thousand_keys_are_imported_at_once() -> None:
    found = imported("\n".join(f"sk-{number:08}" for number in range(MAX_KEYS)))
    assert len(found.keys) == MAX_KEYS
    assert edited("providers: {x: {keys: []}}\n", [Append(("providers", "x", "keys"), found.keys)])


def test_an_import_does_not_show_its_keys() -> None:
    assert CANARY not in repr(imported(CANARY))


def words_on(text: str) -> str:
    """What is said of an import, be it right or wrong."""
    try:
        return repr(imported(text, known_labels=["main"]))
    except ConfigError as error:
        return str(error)


PIECES = [
    CANARY,
    *'[]{}",:;\t\n $',
    "key",
    "label",
    "weight",
    "main",
    "\n",
    '{"key":',
    "key,label,weight\n",
    "\ud800",
    "…",
]


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_no_word_on_any_import_tells_a_key(text: str) -> None:
    assert CANARY not in words_on(text)


def test_problems_name_the_import() -> None:
    with pytest.raises(ConfigError) as caught:
        imported("x")
    assert caught.value.problems == (
        Problem("import", 1, "", "can't be a key: it has fewer than 8 characters (it is not shown)"),
    )
