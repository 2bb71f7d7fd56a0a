from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relay.core.access_keys import MAX_CREDENTIAL_CHARACTERS, AccessKeys
from relay.model import Principal, Role
from tests.config.parsing import configured

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
KEY = "correct-horse-battery"


def keys(server: str) -> AccessKeys:
    return AccessKeys(configured(f"server: {{host: 127.0.0.1, {server}}}"))


ONE = keys(f"access_key: {KEY}")
SEVERAL = keys(
    "access_key: [{name: ann, key: key-of-ann}, {name: bob, key: key-of-bob, expires_at: 2026-07-01T12:00:00Z},"
    " {name: empty, key: ''}]"
)


def test_the_key_stands_for_an_administrator() -> None:
    assert ONE.match(KEY, NOW) == Principal("access-key", Role.ADMIN)


def test_each_of_several_keys_stands_for_its_own_name() -> None:
    found = [SEVERAL.match(key, NOW - TICK) for key in ("key-of-ann", "key-of-bob")]
    assert [principal.name for principal in found if principal] == ["ann", "bob"]


@pytest.mark.parametrize(
    "presented",
    [
        "",
        KEY[:-1],
        KEY + "x",
        KEY.upper(),
        f" {KEY}",
        f"{KEY}\0",
        KEY + "\udcff",
        "\udc80\udcff",
        "schlüssel",
        "\N{KEY}",
        "*",
        "' OR 1=1 --",
        "x" * MAX_CREDENTIAL_CHARACTERS,
    ],
)
def test_nothing_else_stands_for_anybody(presented: str) -> None:
    assert ONE.match(presented, NOW) is None


@pytest.mark.parametrize(("moment", "is_valid"), [(NOW - TICK, True), (NOW, False), (NOW + TICK, False)])
def test_a_key_is_valid_before_the_moment_of_its_expiry(moment: datetime, is_valid: bool) -> None:
    assert (SEVERAL.match("key-of-bob", moment) is not None) is is_valid


def test_a_key_that_expired_does_not_hide_the_same_key_under_another_name() -> None:
    listed = keys("access_key: [{name: new, key: same}, {name: old, key: same, expires_at: 2020-01-01T00:00:00Z}]")
    assert listed.match("same", NOW) == Principal("new", Role.ADMIN)


@pytest.mark.parametrize("server", ["access_key: ''", "access_key: []", "port: 1"])
def test_without_a_key_nobody_is_let_in_with_an_empty_one(server: str) -> None:
    assert keys(server).match("", NOW) is None


def test_keys_that_are_switched_off_let_nobody_in() -> None:
    assert keys(f"access_key: {KEY}, access_key_enabled: false").match(KEY, NOW) is None


def test_a_key_of_the_greatest_length_is_known_and_a_longer_one_is_not_looked_at() -> None:
    longest = "x" * MAX_CREDENTIAL_CHARACTERS
    assert keys(f"access_key: {longest}").match(longest, NOW) is not None
    assert keys(f"access_key: {longest}y").match(f"{longest}y", NOW) is None


def test_no_secret_shows_in_what_the_keys_look_like() -> None:
    assert KEY not in f"{ONE!r} {vars(ONE)}"
