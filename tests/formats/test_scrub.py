"""What providers say of the operator's secrets never gets through, however they spell it."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorFacts, Retry, UpstreamError
from relay.formats.scrub import Scrub

KEY = "sk-canary/0123+456=="
in_a_header = st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc"])
secrets = st.text(in_a_header, min_size=8, max_size=20)


def error(
    message: str, *, code: str | None = None, param: str | None = None, body: bytes | None = None
) -> UpstreamError:
    facts = ErrorFacts(400, message, "invalid_request_error", "invalid_request_error", code, param)
    return UpstreamError(facts, Retry.NEVER, body=body)


@given(secret=secrets, before=st.text(max_size=3), after=st.text(max_size=3))
def test_any_secret_is_cut_out_of_plain_text(secret: str, before: str, after: str) -> None:
    text = f"{before}{secret}{after}".encode("utf-8", "replace")
    assert secret.encode() not in Scrub([secret]).data(text).replace(b"***", b"\0")


@given(secret=secrets, is_ascii=st.booleans())
def test_any_secret_is_cut_out_of_a_json_text(secret: str, is_ascii: bool) -> None:
    raw = json.dumps({"message": secret}, ensure_ascii=is_ascii).encode()
    assert json.loads(Scrub([secret]).data(raw)) == {"message": "***"}


@pytest.mark.parametrize(
    "spelling", [KEY, KEY.replace("/", r"\/"), KEY.replace("+", r"\u002b"), KEY.replace("/", r"\u002F")]
)
def test_a_key_is_found_as_json_libraries_spell_it(spelling: str) -> None:
    raw = b'{"message":"bad key ' + spelling.encode() + b'"}'
    assert Scrub([KEY]).data(raw) == b'{"message":"bad key ***"}'


def test_a_secret_within_another_leaves_nothing_of_the_longer() -> None:
    assert Scrub(["secret-1", "secret-12345"]).data(b"secret-12345 secret-1") == b"*** ***"


def test_an_empty_secret_is_none() -> None:
    assert Scrub(["", ""]).data(b'{"message":"x"}') == b'{"message":"x"}'


@given(data=st.binary())
def test_without_secrets_nothing_changes(data: bytes) -> None:
    assert Scrub().data(data) == data


def test_an_error_is_cleaned_wherever_a_secret_may_stand() -> None:
    dirty = error(f"bad {KEY}", code=KEY, param=KEY, body=orjson.dumps({"error": {"message": KEY}}))
    cleaned = Scrub([KEY]).error(dirty)
    facts = cleaned.facts
    assert (facts.message, facts.code, facts.param) == ("bad ***", "***", "***")
    assert cleaned.body == b'{"error":{"message":"***"}}'


def test_a_clean_error_stays_as_it_is() -> None:
    clean = error("fine")
    cleaned = Scrub([KEY]).error(clean)
    assert (cleaned.facts, cleaned.retry, cleaned.body) == (clean.facts, clean.retry, None)


def test_a_refusals_headers_and_its_upstreams_id_are_cleaned_too() -> None:
    facts = ErrorFacts(429, "Slow down", "rate_limit_error", "rate_limit_error")
    headers = (("x-ratelimit-limit-requests", "5"), ("x-key", KEY))
    cleaned = Scrub([KEY]).error(UpstreamError(facts, Retry.NEVER, headers=headers, upstream_request_id=f"req {KEY}"))
    assert cleaned.headers == (("x-ratelimit-limit-requests", "5"), ("x-key", "***"))
    assert cleaned.upstream_request_id == "req ***"


def test_a_large_text_is_cleaned_of_the_plain_spelling() -> None:
    padding = b"\\n" * 200_000
    assert Scrub([KEY]).data(padding + KEY.encode()) == padding + b"***"
