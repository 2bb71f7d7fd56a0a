from __future__ import annotations

import pytest

from relay.config.exposure import is_loopback, reachable_without_a_real_key, warnings
from tests.config.parsing import configured, problem, problems

REAL = "q7-Vb2_hXc9LkTz41"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LocalHost"])
def test_loopback_addresses_are_of_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.2", "relay.example", "localhost.example", "127.1"])
def test_other_addresses_may_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", '"::"', '""', "relay.example"])
@pytest.mark.parametrize(
    "key",
    [
        '""',
        "change-me",
        "sk-CHANGE-ME",
        "sk_change_me_please",
        "changeme",
        "your-key-here",
        "<your access key>",
        "replace-me",
    ],
)
def test_a_placeholder_may_not_be_reached_from_elsewhere(host: str, key: str) -> None:
    found = problem(f"server:\n  host: {host}\n  access_key: {key}\n", checks=[reachable_without_a_real_key])
    assert (found.line, found.path) == (3, "server.access_key")
    assert "secrets.token_urlsafe(32)" in found.message
    assert "host: 127.0.0.1" in found.message


def test_each_of_several_keys_must_be_a_real_one() -> None:
    text = f"server: {{access_key: [{{name: a, key: {REAL}}}, {{name: b, key: change-me}}, {{name: c, key: ''}}]}}"
    found = problems(text, checks=[reachable_without_a_real_key])
    assert [one.message.split()[0] for one in found] == ["'b'", "'c'"]


@pytest.mark.parametrize(
    "server",
    [
        f"host: 0.0.0.0, access_key: {REAL}",
        "host: 0.0.0.0, access_key: change-me, access_key_enabled: false",
        "host: 127.0.0.1, access_key: change-me",
        "host: localhost",
    ],
)
def test_a_real_key_or_the_loopback_is_accepted(server: str) -> None:
    config = configured(f"server: {{{server}}}")
    assert list(reachable_without_a_real_key(config)) == []


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (
            f"access_key: {REAL}, access_key_enabled: false",
            "Only users can authenticate: server.access_key_enabled is false.",
        ),
        ("access_key: ''", "Only users can authenticate: server.access_key is empty."),
        ("access_key: [{name: a, key: ''}]", "Only users can authenticate: server.access_key is empty."),
        ("access_key: change-me", "Access key 'access-key' is empty or a placeholder"),
        ("access_key: abcdefghijklmno", "Access key 'access-key' has fewer than 16 characters"),
    ],
)
def test_what_is_weak_is_warned_of(server: str, words: str) -> None:
    (text,) = warnings(configured(f"server: {{host: 127.0.0.1, {server}}}\nauth: {{registration: closed}}"))
    assert text.startswith(words)
    assert "abcdefghijklmno" not in text


def test_each_weak_key_is_warned_of() -> None:
    keys = f"[{{name: a, key: {REAL}}}, {{name: b, key: short}}, {{name: c, key: ''}}]"
    text = f"server: {{host: 127.0.0.1, access_key: {keys}}}\nauth: {{registration: closed}}"
    assert ["'b'" in one or "'c'" in one for one in warnings(configured(text))] == [True, True]


def test_a_good_key_is_not_warned_of() -> None:
    text = f"server: {{host: 127.0.0.1, access_key: {REAL}}}\nauth: {{registration: approval}}"
    assert warnings(configured(text)) == ()


@pytest.mark.parametrize(
    ("host", "mode", "is_warned_of"),
    [
        ("0.0.0.0", "open", True),
        ("0.0.0.0", "approval", False),
        ("127.0.0.1", "open", True),
        ("127.0.0.1", "closed", False),
    ],
)
def test_registration_that_is_open_to_everybody_is_warned_of(host: str, mode: str, is_warned_of: bool) -> None:
    found = warnings(configured(f"server: {{host: '{host}', access_key: {REAL}}}\nauth: {{registration: {mode}}}"))
    assert ["Anybody can register" in text for text in found] == [True] * is_warned_of


@pytest.mark.parametrize(
    ("token", "is_warned_of"), [("", False), (REAL[:15], True), ("change-me-change-me", True), (REAL, False)]
)
def test_a_token_for_scrapers_that_can_be_guessed_is_warned_of(token: str, is_warned_of: bool) -> None:
    server = f"server: {{host: 127.0.0.1, access_key: {REAL[::-1]}}}\nauth: {{registration: closed}}"
    found = warnings(configured(f"{server}\nmetrics: {{token: '{token}'}}"))
    assert ["metrics.token can be guessed" in text for text in found] == [True] * is_warned_of
    assert not token or token not in "".join(found)
