from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.mask import is_mask, is_reference, mask


@pytest.mark.parametrize(
    ("secret", "position", "shown"),
    [
        ("sk-abcdefghijklmnopqr", None, "sk-abc…opqr"),
        ("sk-abcdefghijklmnopqr", 3, "sk-abc…opqr"),
        ("sk-abcdefghijklmnop", None, "…"),
        ("hunter2", 1, "…[1]"),
        ("Bearer abcdefghijklmnopqr", None, "…"),
        ("postgresql+asyncpg://u:password@h/d", None, "…"),
        ("a-password-then-a-host@host", None, "…"),
        ("ünïcödé-ünïcödé-ünïcödé", None, "…"),
    ],
)
def test_only_long_words_are_shown_in_part(secret: str, position: int | None, shown: str) -> None:
    assert mask(secret, position) == shown
    assert is_mask(shown)
    assert not is_reference(shown)


@given(st.text(min_size=1), st.none() | st.integers(0, 999))
def test_a_mask_is_one_and_shows_ten_characters_of_twenty_at_most(secret: str, position: int | None) -> None:
    shown = mask(secret, position)
    assert is_mask(shown)
    assert shown.startswith("…") or len(secret) >= 20


@pytest.mark.parametrize("text", ["", "sk-abc", "…x", "……", "…[x]", "sk-ab…opqr", "sk-abc…opq", "sk-abc...opqr", "x …"])
def test_other_texts_are_no_masks(text: str) -> None:
    assert not is_mask(text)


@pytest.mark.parametrize(
    "text", ["", "${A}", "${A:-}", "Bearer ${A}", "Basic ${A_1:-}", "file:key", "file:${DIR}/key", "file:"]
)
def test_what_only_says_where_a_secret_is_holds_none(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text", ["${A:-secret}", "secret ${A}", "${A}secret", "${A", "$A", "file:${A:-secret}", "file:$x", "a", " ", "$$"]
)
def test_what_holds_more_may_hold_a_secret(text: str) -> None:
    assert not is_reference(text)
