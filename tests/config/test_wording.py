from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from relay.config.wording import message_of
from tests.config.parsing import problem, problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server: {max_bdy: 1}", "is not an option here (did you mean 'max_body' or 'max_buffered'?)"),
        ("server: {zzz: 1}", "is not an option here"),
        ("server: {zzz: null}", "is not an option here"),
        ("servr: {}", "is not an option here (did you mean 'server'?)"),
        ("server: null", "has no value: write one, or remove the line to have the default"),
        ("server: {port: null}", "has no value: write one, or remove the line to have the default"),
        ("server: 5", "must be a mapping of options, not a single value"),
        ("server: [5]", "must be a mapping of options, not a list"),
        ("server: canary", "must be a mapping of options, not text"),
        ("server: {host: 5}", "must be text (put it in quotes), not 5"),
        ("server: {port: eight}", "must be a whole number without quotes, not 'eight'"),
        ("server: {port: 1.5}", "must be a whole number without quotes, not 1.5"),
        ("server: {port: true}", "must be a whole number without quotes, not true"),
        ("server: {port: -1}", "must be at least 0, not -1"),
        ("server: {port: 70000}", "must be at most 65535, not 70000"),
        ("server: {access_key_enabled: maybe}", "must be true or false, not 'maybe'"),
        ("server: {access_key_enabled: 2.5}", "must be true or false, not 2.5"),
        ("server: {cors_origins: x}", "must be a list, not text"),
        ("drain: {max_cost_usd: '1'}", "must be a number without quotes, not '1'"),
        ("drain: {max_cost_usd: .nan}", "must be a number, not nan"),
        ("drain: {max_cost_usd: true}", "must be a number without quotes, not true"),
        ("model_routing: {provider_mapping: [a]}", "must be a mapping, not a list"),
        ("model_routing: {provider_mapping: {a: ''}}", "must not be empty"),
        ("logging: {bodies: some}", "must be one of 'none', 'preview' or 'full', not 'some'"),
    ],
)
def test_problems_are_told_in_plain_words(text: str, words: str) -> None:
    assert problem(text).message == words


def test_a_missing_blank_after_a_colon_does_not_show_what_follows() -> None:
    found = problem("server: {access_key:canary}")
    assert found.path == 'server["access_key..."]'
    assert "did you mean 'access_key' or" in found.message
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("server: {access_ke, sk-canary}", "server"),
        ("providers: {x: {headers: {sk-canary}}}", "providers.x.headers"),
        ("providers: {x: {keys: [{key: a, sk-canary}]}}", "providers.x.keys[0]"),
        ("providers: {sk-canary}", "providers"),
        ("sk-canary:", ""),
    ],
)
def test_a_secret_that_became_a_name_is_not_shown(text: str, path: str) -> None:
    found = problems(text)[-1]
    assert (found.line, found.path) == (1, path)
    assert found.message.startswith("holds a name that can't stand here, or has no value")
    assert "canary" not in str(found)


@pytest.mark.parametrize("text", ["server: {max-body: 1}", "server: {maxBody: 1}", "logging: {max_age_day5: null}"])
def test_a_name_near_an_option_is_shown(text: str) -> None:
    assert "did you mean 'max_" in problem(text).message


def test_an_error_of_an_unknown_kind_is_a_sentence_as_well() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(complex).validate_python("canary")
    assert message_of(caught.value.errors()[0]) == "is not a value that can stand here"
