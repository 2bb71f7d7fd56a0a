from __future__ import annotations

import pytest

from relay.config.providers import ProviderConfig, TimeoutConfig
from relay.model import Dialect
from tests.config.parsing import configured, problem


def provider(rest: str) -> ProviderConfig:
    return configured(f"providers: {{x: {{{rest}}}}}").providers["x"]


def test_providers_keep_the_order_of_the_file() -> None:
    assert list(configured("providers: {z: {}, a: {}, m.1-x_y: {}}").providers) == ["z", "a", "m.1-x_y"]


@pytest.mark.parametrize("name", ['""', '"a@b"', '"a/b"', "-a", ".a", '"a b"', "é", "a" * 65])
def test_a_provider_has_a_name_that_fits_into_a_model_name(name: str) -> None:
    assert "is no name for a provider" in problem(f"providers: {{? {name} : {{}}}}").message


def test_the_type_is_openai_unless_said() -> None:
    assert provider("").provider_type == "openai"
    assert provider("provider_type: api").provider_type == "openai"
    assert provider("provider_type: anthropic").provider_type == "anthropic"


def test_web_chats_are_not_driven() -> None:
    found = problem("providers:\n  x:\n    provider_type: web_reverse\n")
    assert (found.line, found.path) == (3, "providers.x.provider_type")
    assert "web_reverse', which is not offered" in found.message


def test_requests_are_not_disguised() -> None:
    for text, path in [("cloaking: {}", "cloaking"), ("providers: {x: {cloaking: null}}", "providers.x.cloaking")]:
        found = problem(text)
        assert found.path == path
        assert found.message == "is not offered: MonoRelay does not disguise requests; remove it"


def test_the_base_url_may_come_from_the_environment_and_is_not_shown() -> None:
    settings = configured('providers: {x: {base_url: "${URL}/v1/"}}', URL="http://canary").providers["x"]
    assert settings.base_url == "http://canary/v1"
    assert "canary" not in repr(settings)


def test_a_base_url_that_is_refused_is_not_shown() -> None:
    found = problem('providers: {x: {base_url: "http://u:${PASSWORD}@h"}}', PASSWORD="canary")
    assert found.path == "providers.x.base_url"


def test_dialects_are_named() -> None:
    assert provider("dialects: [chat, messages]").dialects == (Dialect.CHAT, Dialect.MESSAGES)
    found = problem("providers: {x: {dialects: [chat, gemini]}}")
    assert found.path == "providers.x.dialects[1]"
    assert found.message == "must be one of 'chat', 'responses' or 'messages', not 'gemini'"


def test_keys_without_a_label_are_called_by_their_position() -> None:
    keys = provider('keys: [{key: a}, {key: b, label: main}, {key: c, label: ""}]').keys
    assert [(key.label, key.key.get_secret_value()) for key in keys] == [("key-1", "a"), ("main", "b"), ("key-3", "c")]


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ("canary", "providers.x.keys", "must be a list, not text"),
        ("{key: canary}", "providers.x.keys", "must be a list, not a mapping"),
        ("[canary]", "providers.x.keys[0]", "must be a mapping of options, not text"),
        ("[[canary]]", "providers.x.keys[0]", "must be a mapping of options, not a list"),
        ("5", "providers.x.keys", "must be a list, not a single value"),
        ("[{label: a}]", "providers.x.keys[0].key", "is missing, and has no default"),
        ("[{key: a, label: 5}]", "providers.x.keys[0].label", "must be text (put it in quotes), not 5"),
        ("[{key: null}]", "providers.x.keys[0].key", "has no value"),
        ("null", "providers.x.keys", "has no value"),
    ],
)
def test_keys_of_another_form_are_refused_without_being_shown(keys: str, path: str, words: str) -> None:
    found = problem(f"providers: {{x: {{keys: {keys}}}}}")
    assert found.path == path
    assert words in found.message


def test_one_timeout_is_the_wait_for_the_first_byte_and_for_each_further_one() -> None:
    assert provider("timeout: 5m").timeout == TimeoutConfig(first_byte=300, idle=300)
    timeout = provider("timeout: {connect: 1, first_byte: 2s, idle: 3, total: 4m}").timeout
    assert (timeout.connect_s, timeout.first_byte_s, timeout.idle_s, timeout.total_s) == (1, 2, 3, 240)
    assert provider("").timeout == TimeoutConfig(connect=10, first_byte=120, idle=120, total=1800)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("0", "providers.x.timeout", "must be more than 0"),
        ("soon", "providers.x.timeout", "must be a duration"),
        ("[1]", "providers.x.timeout", "must be a duration"),
        ("{idle: 0}", "providers.x.timeout.idle", "must be more than 0"),
        ("{first_byte_s: 1}", "providers.x.timeout.first_byte_s", "did you mean 'first_byte'?"),
    ],
)
def test_every_wait_has_an_end(value: str, path: str, words: str) -> None:
    found = problem(f"providers: {{x: {{timeout: {value}}}}}")
    assert found.path == path
    assert words in found.message


def test_models_are_names_or_globs() -> None:
    models = provider('models: {include: [gpt-5, "o*"], exclude: ["*-old"]}').models
    assert (models.include, models.exclude) == (("gpt-5", "o*"), ("*-old",))
    assert (models.names, models.globs) == (("gpt-5",), ("o*",))
    assert problem('providers: {x: {models: {include: [""]}}}').message == "must not be empty"


@pytest.mark.parametrize(
    ("include", "are_open"), [("[]", True), ("[a]", False), ("['a[1m]']", False), ("[a, 'b*']", True), ("['b?']", True)]
)
def test_models_are_open_unless_each_is_named(include: str, are_open: bool) -> None:
    assert provider(f"models: {{include: {include}}}").models.are_open is are_open


def test_a_strategy_is_one_of_four_or_left_open() -> None:
    for strategy in ("", "round-robin", "random", "weighted", "least-busy"):
        assert provider(f'key_strategy: "{strategy}"').key_strategy == strategy
    assert "must be one of" in problem("providers: {x: {key_strategy: best}}").message


def test_no_call_is_tried_more_than_three_times() -> None:
    assert "2" in problem("providers: {x: {retry: {max_retries: 3}}}").message


def test_what_nothing_enforces_is_named_leaf_by_leaf() -> None:
    found = problem("providers: {x: {costs: {'a*': {input: 1}}}}")
    assert found.path == 'providers.x.costs["a*"].input'
    assert "is not enforced in this release" in found.message


@pytest.mark.parametrize(
    "url",
    [
        "socks5://p:1",
        "p:3128",
        "http:///",
        "http://p:1/path",
        "http://a b:1",
        "http://p:99999",
        "http://u:a#b@p:1",
        "http://u:a[b@p:1",
        "http://xn--a:1",
        "http://169.254.169.254:80",
    ],
)
def test_a_proxy_must_be_an_http_one_and_is_not_shown(url: str) -> None:
    found = problem(f"providers: {{x: {{base_url: 'http://a', proxy: '{url}'}}}}")
    assert found.path == "providers.x.proxy"
    assert url not in found.message
