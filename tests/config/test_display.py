from __future__ import annotations

import pytest

from relay.config.display import dotted, shown, shown_name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (-1.5, "-1.5"),
        (10**40, "a very large number"),
        (-(10**400), "a very large number"),
        ("abc", "'abc'"),
        ("a\nb\ud800", "'a?b?'"),
        ("x" * 41, f"'{'x' * 40}...'"),
        ({}, "a mapping"),
        ([], "a list"),
    ],
)
def test_values_are_shown_as_the_file_has_them(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_body", "max_body"),
        ("access_key:sk-secret", "access_key..."),
        ("access_key=sk-secret", "access_key..."),
        ("Authorization Bearer", "Authorization..."),
        ("k" * 33, "k" * 16 + "..."),
        ("a\x00b", "a?b"),
    ],
)
def test_a_name_is_shown_up_to_where_a_secret_may_begin(name: str, text: str) -> None:
    assert shown_name(name) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("server",), "server"),
        (("providers", "openai", "keys", 0, "label"), "providers.openai.keys[0].label"),
        (("model_routing", "provider_mapping", "gpt-*"), 'model_routing.provider_mapping["gpt-*"]'),
    ],
)
def test_a_path_is_dotted(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text
