from __future__ import annotations

import pytest

from relay.config.syntax import Unreadable, events_of

CANARY = "sk-canary-7c1e"


def unreadable(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        list(events_of(text))
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\tb: 1", 2, "a tab stands"),
        ("a: b: c", 1, "a second ':'"),
        ("a:\n  b: 1\n   c: 2", 3, "a second ':'"),
        ("a: |\n x\ny", 3, "this line has no ': '"),
        ('a: "b', 1, "a quote is opened"),
        ("a: 'b\nc: d", 2, "a quote is opened"),
        ('a: "\\q"', 1, "a quote is opened"),
        ("a: [1, 2", 1, "a '[' is not closed"),
        ("a: {b: 1", 1, "a '{' is not closed"),
        ("a: @b", 1, "can't begin with this character"),
        ("a: %b", 1, "can't begin with this character"),
        ("a: 1\n- b", 2, "the indentation does not fit"),
        ("a: 'x' 'y'", 1, "the indentation does not fit"),
        ("%YAML x\n---\n", 1, "this is not valid YAML"),
        ("%YAML 1.21\n---\n", 1, "a version that is neither"),
        ("a: 1\nb: \x00", 2, "a control character"),
        ('a: "\\UFFFFFFFF"', 1, "\\U escape"),
    ],
)
def test_a_slip_is_told_with_its_line_and_what_to_do(text: str, line: int, words: str) -> None:
    error = unreadable(text)
    assert error.line == line
    assert words in error.message


@pytest.mark.parametrize(
    "text",
    [
        f"server:\n  access_key:{CANARY}\n  port: 1",
        f'a: "{CANARY}',
        f"a: !{CANARY}!x y",
        f"%{CANARY} x\n---\n- *",
        f"%TAG !{CANARY}! x\n%TAG !{CANARY}! y\n---\na",
        f"a: &{CANARY} &{CANARY} b",
    ],
)
def test_what_the_text_holds_is_in_no_message(text: str) -> None:
    error = unreadable(text)
    assert CANARY not in str(error)
    assert error.__cause__ is None


def test_a_correct_text_gives_its_events() -> None:
    assert len(list(events_of("a: [1]"))) == 10
