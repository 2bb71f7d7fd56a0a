from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime

import pytest

from relay.config.server import ServerConfig
from tests.config.parsing import configured, problem


def server(option: str, value: str) -> str:
    return f"server: {{{option}: {value}}}"


def expiring(value: str) -> str:
    return f"providers: {{x: {{keys: [{{key: k, expires_at: {value}}}]}}}}"


@pytest.mark.parametrize(("value", "seconds"), [("5", 5), ("0.5", 0.5), ("250ms", 0.25), ('"90"', 90), ("1h", 3600)])
def test_a_duration_becomes_seconds(value: str, seconds: float) -> None:
    assert configured(server("keepalive_timeout", value)).server.keepalive_timeout_s == seconds


@pytest.mark.parametrize("value", ["abc", "true", "[5]", "{}", "5 days"])
def test_what_is_no_duration_is_refused_with_the_forms(value: str) -> None:
    found = problem(server("keepalive_timeout", value))
    assert found.path == "server.keepalive_timeout"
    assert '"250ms", "90s"' in found.message


@pytest.mark.parametrize("value", ["-1", ".nan", ".inf", "3651d", "9" * 400, "1e400"])
def test_a_duration_has_bounds(value: str) -> None:
    assert "between 0 and 3650d" in problem(server("keepalive_timeout", value)).message


@pytest.mark.parametrize(("value", "size_bytes"), [("1", 1), ("10KiB", 10_240), ('"1 MiB"', 2**20)])
def test_a_size_becomes_bytes(value: str, size_bytes: int) -> None:
    assert configured(server("max_body", value)).server.max_body_bytes == size_bytes


@pytest.mark.parametrize("value", ["abc", "true", "1.5", "64MB", "[]"])
def test_what_is_no_size_is_refused_with_the_forms(value: str) -> None:
    assert '"64MiB"' in problem(server("max_body", value)).message


@pytest.mark.parametrize(("value", "words"), [("-1", "between 0"), ("2000TiB", "between 0"), ("0", "at least 1")])
def test_a_size_has_bounds(value: str, words: str) -> None:
    assert words in problem(server("max_body", value)).message


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ('""', None),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31 12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise(value: str, moment: datetime | None) -> None:
    expires_at = configured(expiring(value)).providers["x"].keys[0].expires_at
    assert expires_at == moment
    assert expires_at is None or expires_at.tzinfo is UTC


@pytest.mark.parametrize("value", ["tomorrow", "5", "2027-13-01", '"0001-01-01T00:00:00+23:00"', "[]"])
def test_what_is_no_time_is_refused(value: str) -> None:
    assert "2027-01-31T12:00:00Z" in problem(expiring(value)).message


@pytest.mark.parametrize("value", ['"a\\nb"', '"\\0"', '"\\t"'])
def test_control_characters_are_refused(value: str) -> None:
    assert "control character" in problem(server("public_host", value)).message


@pytest.mark.parametrize("key", ["canaryé", "canary\\n", " canary", "canary ", "canary\\x7f", "canary\\0b"])
def test_a_key_that_no_header_could_carry_is_refused_without_being_shown(key: str) -> None:
    found = problem(f'server: {{access_key: "{key}"}}')
    assert "a character that no key has" in found.message
    assert "canary" not in str(found)


@pytest.mark.parametrize("value", ["12345678", "[12345678]", "true", "1.5"])
def test_a_secret_of_a_wrong_type_is_not_shown(value: str) -> None:
    found = problem(f"providers: {{x: {{keys: [{{key: {value}}}]}}}}")
    assert found.path == "providers.x.keys[0].key"
    assert "must be text: put it in quotes" in found.message
    assert value not in str(found)


def test_mappings_can_not_be_changed() -> None:
    assert not isinstance(
        configured("model_routing: {provider_mapping: {a: b}}").model_routing.provider_mapping, MutableMapping
    )
    assert not isinstance(configured("").providers, MutableMapping)


def test_secrets_need_a_resolver() -> None:
    with pytest.raises(TypeError, match="Resolver"):
        ServerConfig.model_validate({"access_key": "x"})
