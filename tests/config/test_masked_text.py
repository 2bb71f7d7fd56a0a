from __future__ import annotations

import pytest

from relay.config.masked_text import masked_text, unmasked_text
from relay.errors import ConfigError, Problem

STORED = """\
# the keys
server: {access_key: 'it''s one'}   # ours
providers:
  a: &a
    keys:
    - key: sk-1111111111111111aaaa # main
      label: one
    - key: &k |-
        hunter2
      label: two
  b:
    <<: *a
    headers: {X: *k}
  c:
    keys:
      - key: *k
"""
SHOWN = """\
# the keys
server: {access_key: "…"}   # ours
providers:
  a: &a
    keys:
    - key: "sk-111…aaaa" # main
      label: one
    - key: &k "…[1]"
      label: two
  b:
    <<: *a
    headers: {X: *k}
  c:
    keys:
      - key: *k
"""


def refused(shown: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        unmasked_text(shown, STORED)
    return caught.value.problems[0]


def test_the_text_is_shown_but_for_its_secrets() -> None:
    assert masked_text(STORED) == SHOWN
    assert unmasked_text(SHOWN, STORED) == STORED


def test_what_is_changed_beside_the_masks_is_changed() -> None:
    shown = SHOWN.replace("# ours", "# ours\non_disconnect: drain").replace('"sk-111…aaaa"', "sk-new")
    stored = STORED.replace("# ours", "# ours\non_disconnect: drain").replace("sk-1111111111111111aaaa", "sk-new")
    assert unmasked_text(shown, STORED) == stored


def test_a_secret_is_written_anew_where_its_old_form_does_not_fit() -> None:
    moved = 'providers:\n  a:\n    keys:\n      - key: "…[1]"\n      - {key: "sk-111…aaaa"}\n'
    assert unmasked_text(moved, STORED) == (
        "providers:\n  a:\n    keys:\n      - key: hunter2\n      - {key: sk-1111111111111111aaaa}\n"
    )


def test_a_secret_that_was_an_alias_is_written_out() -> None:
    moved = 'providers:\n  c:\n    keys:\n      - key: "…[0]"\n'
    assert unmasked_text(moved, STORED) == "providers:\n  c:\n    keys:\n      - key: hunter2\n"


def test_a_mask_that_stands_for_nothing_is_told_with_its_line() -> None:
    problem = refused('providers:\n  a:\n    keys:\n      - key: "sk-222…aaaa"\n')
    assert (problem.line, problem.path) == (4, "providers.a.keys[0].key")
    assert "no secret that is stored here" in problem.message


def test_a_secret_that_would_be_shown_elsewhere_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        masked_text("providers:\n  a:\n    keys:\n      - {label: &k canary-1, key: *k}\n")
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (4, "providers.a.keys[0].key")
    assert "canary" not in str(problem)


@pytest.mark.parametrize(
    ("stored", "shown", "whole"),
    [
        ("server:\n  access_key: a,b\n", 'server: {access_key: "…"}\n', 'server: {access_key: "a,b"}\n'),
        ("server:\n  access_key: a}\n", 'server: {access_key: "…"}\n', 'server: {access_key: "a}"}\n'),
        ("server: {access_key: a\n b}\n", 'server:\n    access_key: "…"\n', 'server:\n    access_key: "a b"\n'),
    ],
)
def test_a_secret_is_quoted_where_its_old_form_would_be_misread(stored: str, shown: str, whole: str) -> None:
    assert unmasked_text(shown, stored) == whole


def test_a_secret_is_not_put_back_where_it_would_become_a_name() -> None:
    with pytest.raises(ConfigError, match="can't be put back here"):
        unmasked_text('server: {access_key: &k "…"}\nlogging: {*k : 1}\n', STORED)


def test_a_text_that_is_a_secret_itself_is_one_mask() -> None:
    assert masked_text("hunter2 # c\n") == '"…" # c\n'
    assert unmasked_text('"…"', "hunter2 # c\n") == "hunter2"
