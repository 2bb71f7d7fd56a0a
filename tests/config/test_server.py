from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.config.parsing import configured, problem, problems


@pytest.mark.parametrize("value", ['""', '"${UNSET:-}"', "[]"])
def test_an_empty_access_key_is_none(value: str) -> None:
    assert configured(f"server: {{access_key: {value}}}").server.access_keys == ()


def test_a_single_access_key_gets_a_name() -> None:
    (key,) = configured('server: {access_key: "${KEY}"}', KEY="s3cret$$").server.access_keys
    assert (key.name, key.key.get_secret_value(), key.expires_at) == ("access-key", "s3cret$$", None)


def test_access_keys_may_be_several_with_names_and_ends() -> None:
    text = 'server: {access_key: [{name: a, key: k}, {name: b, key: "", expires_at: 2027-01-31}]}'
    first, second = configured(text).server.access_keys
    assert (first.name, first.key.get_secret_value(), first.expires_at) == ("a", "k", None)
    assert (second.name, second.key.get_secret_value()) == ("b", "")
    assert second.expires_at == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("12345678", "server.access_key", "a text in quotes, or a list"),
        ("{canary: 1}", "server.access_key", "a text in quotes, or a list"),
        ("[canary]", "server.access_key[0]", "must be a mapping of options, not text"),
        ("[{key: canary}]", "server.access_key[0].name", "is missing"),
        ("[{name: a}]", "server.access_key[0].key", "is missing"),
        ('[{name: "", key: canary}]', "server.access_key[0].name", "must not be empty"),
        ('"${"', "server.access_key", "not of the form"),
    ],
)
def test_access_keys_of_another_form_are_refused_without_being_shown(value: str, path: str, words: str) -> None:
    found = problem(f"server: {{access_key: {value}}}")
    assert found.path == path
    assert words in found.message
    assert "canary" not in str(found)
    assert "1234" not in str(found)


@pytest.mark.parametrize("level", ["debug", "Debug", "DEBUG"])
def test_a_log_level_has_no_case(level: str) -> None:
    assert configured(f"server: {{log_level: {level}}}").server.log_level == "DEBUG"


@pytest.mark.parametrize("level", ["loud", "5"])
def test_another_log_level_is_refused_with_those_there_are(level: str) -> None:
    assert "must be one of 'CRITICAL', 'ERROR'" in problem(f"server: {{log_level: {level}}}").message


def test_origins_are_as_browsers_send_them() -> None:
    text = 'server: {cors_origins: ["*", "https://Chat.Example.org:8443", "vscode-webview://ab1", "http://[::1]:3000"]}'
    origins = ("*", "https://chat.example.org:8443", "vscode-webview://ab1", "http://[::1]:3000")
    assert configured(text).server.cors_origins == origins


@pytest.mark.parametrize(
    "origin", ["null", "example.org", "https://example.org/", "https://a b", "https://*.example.org"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    found = problem(f'server: {{cors_origins: ["{origin}"]}}')
    assert found.path == "server.cors_origins[0]"
    assert origin in found.message


def test_a_trusted_proxy_is_an_address_or_a_network() -> None:
    text = 'server: {trusted_proxies: ["127.0.0.1", "10.1.2.3/8", "fd00::/8"]}'
    assert configured(text).server.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize("network", ["localhost", "10.0.0.0/33", "", "*"])
def test_what_is_no_network_is_refused_with_an_example(network: str) -> None:
    found = problem(f'server: {{trusted_proxies: ["{network}"]}}')
    assert found.path == "server.trusted_proxies[0]"
    assert "10.0.0.0/8" in found.message


@pytest.mark.parametrize("option", ["header_timeout", "body_timeout", "write_timeout"])
def test_no_time_at_all_is_no_deadline(option: str) -> None:
    assert "must be at least 0.05" in problem(f"server: {{{option}: 0}}").message


def test_at_least_one_call_may_be_under_way() -> None:
    assert "must be at least 1" in problem("server: {max_in_flight: 0}").message


def test_a_port_is_a_whole_number_up_to_65535() -> None:
    assert configured("server: {port: 0}").server.port == 0
    assert problem("server: {port: 65536}").message == "must be at most 65535, not 65536"
    assert problem('server: {port: "8787"}').message == "must be a whole number without quotes, not '8787'"


def test_switches_may_be_written_as_older_yaml_had_them() -> None:
    assert not configured("server: {access_key_enabled: no}").server.access_key_enabled
    assert configured("server: {access_key_enabled: on}").server.access_key_enabled


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("5", "auth.jwt_secret", "a text in quotes"),
        ("abc", "auth.jwt_secret", "at least 32 bytes"),
        (f"[{'a' * 32}, {'b' * 31}]", "auth.jwt_secret[1]", "at least 32 bytes"),
    ],
)
def test_what_signs_no_tokens_is_refused(value: str, path: str, words: str) -> None:
    found = problem(f"auth: {{jwt_secret: {value}}}")
    assert (found.path, words in found.message) == (path, True)


def test_several_secrets_may_sign_tokens() -> None:
    secrets = configured(f"auth: {{jwt_secret: [{'a' * 32}, {'b' * 32}]}}").auth.jwt_secrets
    assert [secret.get_secret_value() for secret in secrets] == ["a" * 32, "b" * 32]


def test_a_session_lives_as_long_as_its_tokens() -> None:
    found = problem("auth: {access_token_ttl: 1h, refresh_token_ttl: 30m}")
    assert (found.path, "access_token_ttl" in found.message) == ("auth.refresh_token_ttl", True)


@pytest.mark.parametrize("value", ['""', "[]"])
def test_no_jwt_secret_is_the_default(value: str) -> None:
    assert configured(f"auth: {{jwt_secret: {value}}}").auth.jwt_secrets == ()


def test_limits_may_be_null_which_is_none() -> None:
    assert configured("auth: {default_limits: {rpm: null, models: null}}") == configured("")
    assert [found.path for found in problems("auth: {default_limits: {rpm: 5, budget_usd: 1}}")] == [
        "auth.default_limits.rpm",
        "auth.default_limits.budget_usd",
    ]


def test_models_and_endpoints_of_new_users_may_be_limited() -> None:
    limits = configured("auth: {default_limits: {models: [gpt-*], endpoints: []}}").auth.default_limits
    assert (limits.models, limits.endpoints) == (("gpt-*",), ())
