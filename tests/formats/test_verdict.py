"""What a refusal means: the rows of the fault table that hang on a status, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Blame, Retry
from relay.formats.registry import DIALECTS
from relay.formats.scrub import Scrub
from relay.formats.upstream_errors import NO_WORDS
from relay.formats.verdict import judged, refused
from relay.model import Dialect

every_dialect = pytest.mark.parametrize("dialect", list(DIALECTS))
CALLER, LIMIT, SERVER, QUOTA = "invalid_request_error", "rate_limit_error", "server_error", "insufficient_quota"
NEVER, KEY, TARGET = Retry.NEVER, Retry.OTHER_KEY, Retry.OTHER_TARGET
OWN_WORDS = "The provider's own words"


@dataclass(frozen=True, slots=True)
class Row:
    """A refusal, and what is to come of it."""

    status: int
    told: int
    openai_type: str
    anthropic_type: str
    code: str | None
    retry: Retry
    keeps_body: bool = False
    should_retry: bool | None = None
    shows_words: bool = True
    error: dict[str, Any] = field(default_factory=dict)
    """What the provider says beside its message."""

    def __str__(self) -> str:
        return "-".join([str(self.status), *map(str, self.error.values())])

    @property
    def body(self) -> bytes:
        """The provider's error body."""
        return orjson.dumps({"error": {"message": OWN_WORDS, **self.error}})


ROWS = [
    # 13, 14
    Row(429, 429, LIMIT, "rate_limit_error", "rate_limit_exceeded", KEY),
    Row(429, 429, LIMIT, "rate_limit_error", "rate_limit_exceeded", KEY, error={"code": "tokens"}),
    Row(429, 429, QUOTA, "billing_error", QUOTA, KEY, should_retry=False, shows_words=False,
        error={"code": QUOTA}),
    Row(429, 429, QUOTA, "billing_error", QUOTA, KEY, should_retry=False, shows_words=False,
        error={"type": QUOTA}),
    # 15
    Row(401, 502, SERVER, "api_error", "upstream_auth", KEY, should_retry=False, shows_words=False),
    Row(403, 502, SERVER, "api_error", "upstream_auth", KEY, should_retry=False, shows_words=False,
        error={"code": "invalid_api_key"}),
    Row(403, 502, SERVER, "api_error", "upstream_auth", KEY, should_retry=False, shows_words=False,
        error={"type": "authentication_error"}),
    Row(403, 403, CALLER, "permission_error", None, NEVER, keeps_body=True),
    Row(403, 403, CALLER, "permission_error", "flagged", NEVER, keeps_body=True, error={"code": "flagged"}),
    # 16
    Row(402, 429, QUOTA, "billing_error", QUOTA, KEY, should_retry=False, shows_words=False),
    # 17
    Row(404, 404, CALLER, "not_found_error", "model_not_found", TARGET, keeps_body=True),
    Row(404, 404, CALLER, "not_found_error", "no_endpoints", TARGET, keeps_body=True, error={"code": "no_endpoints"}),
    # 18
    Row(400, 400, CALLER, "invalid_request_error", None, NEVER, keeps_body=True),
    Row(400, 400, CALLER, "invalid_request_error", "too_long", NEVER, keeps_body=True, error={"code": "too_long"}),
    Row(422, 422, CALLER, "invalid_request_error", None, NEVER, keeps_body=True),
    Row(405, 405, CALLER, "invalid_request_error", None, NEVER, keeps_body=True),
    Row(415, 415, CALLER, "invalid_request_error", None, NEVER, keeps_body=True),
    # 19
    Row(413, 413, CALLER, "request_too_large", "request_too_large", NEVER, keeps_body=True),
    Row(413, 413, CALLER, "request_too_large", "image_too_large", NEVER, keeps_body=True,
        error={"code": "image_too_large"}),
    # 20
    Row(408, 408, SERVER, "api_error", None, KEY),
    Row(409, 409, SERVER, "api_error", None, KEY),
    Row(500, 500, SERVER, "api_error", None, KEY),
    Row(500, 500, SERVER, "api_error", "cuda_oom", KEY, error={"code": "cuda_oom"}),
    Row(502, 502, SERVER, "api_error", None, KEY),
    Row(503, 503, SERVER, "overloaded_error", None, KEY),
    Row(504, 504, SERVER, "api_error", None, KEY),
    Row(520, 520, SERVER, "api_error", None, KEY),
]  # fmt: skip
every_row = pytest.mark.parametrize("row", ROWS, ids=str)
NOT_TO_KEEP = [b"", b" ", b"\0\0\0", b"<html><body>502 Bad Gateway</body></html>", b"Bad Gateway", b"[]", b"null",
               b"{}", b'{"error":"text"}', b'{"error":null}', b'{"message":"text"}', b'{"detail":"text"}', b"\xff",
               b'{"error":{"message":"half']  # fmt: skip


@every_dialect
@every_row
def test_a_refusal_is_told_with_its_status_type_and_code(dialect: Dialect, row: Row) -> None:
    told = refused(row.status, row.body, DIALECTS[dialect]).facts
    expected = (row.told, row.openai_type, row.anthropic_type, row.code)
    assert (told.status, told.openai_type, told.anthropic_type, told.code) == expected


@every_dialect
@every_row
def test_a_refusal_says_what_may_be_tried_next(dialect: Dialect, row: Row) -> None:
    error = refused(row.status, row.body, DIALECTS[dialect])
    assert (error.retry, error.facts.should_retry) == (row.retry, row.should_retry)


@every_dialect
@every_row
def test_a_body_is_kept_where_the_request_is_to_blame(dialect: Dialect, row: Row) -> None:
    assert refused(row.status, row.body, DIALECTS[dialect]).body == (row.body if row.keeps_body else None)


@every_row
def test_the_providers_words_are_shown_unless_they_concern_the_operator(row: Row) -> None:
    message = refused(row.status, row.body, DIALECTS[Dialect.CHAT]).facts.message
    assert (message == OWN_WORDS) == row.shows_words


@pytest.mark.parametrize(("dialect", "told"), [(Dialect.CHAT, 503), (Dialect.RESPONSES, 503), (Dialect.MESSAGES, 529)])
def test_an_overload_is_told_as_the_dialect_knows_it(dialect: Dialect, told: int) -> None:
    error = refused(529, b"", DIALECTS[dialect])
    assert (error.facts.status, error.facts.anthropic_type, error.retry) == (told, "overloaded_error", KEY)


@every_dialect
@pytest.mark.parametrize("status", [301, 302, 304, 307, 399])
def test_a_redirect_is_never_passed_on(dialect: Dialect, status: int) -> None:
    error = refused(status, b"", DIALECTS[dialect])
    assert (error.facts.status, error.facts.code, error.retry) == (502, "upstream_redirect", TARGET)


@every_dialect
@pytest.mark.parametrize("body", NOT_TO_KEEP)
@pytest.mark.parametrize("row", [row for row in ROWS if not row.error], ids=str)
def test_a_body_that_is_no_error_of_an_sdk_is_wrapped(dialect: Dialect, row: Row, body: bytes) -> None:
    error = refused(row.status, body, DIALECTS[dialect])
    assert (error.body, error.facts.status) == (None, row.told)
    assert error.facts.message in {"text"} or error.facts.message.startswith("The ")


def test_a_parameter_that_is_to_blame_is_named() -> None:
    body = orjson.dumps({"error": {"message": "x", "param": "messages[0]"}})
    assert refused(400, body, DIALECTS[Dialect.CHAT]).facts.param == "messages[0]"


@pytest.mark.parametrize(
    "body",
    [
        b'{\n  "error": {"message": "Ma\\u00df", "big": 123456789012345678901234567890}\n}',
        b'{"error":{"message":"\\ud83d"}}',
    ],
)
def test_a_kept_body_is_kept_to_the_byte(body: bytes) -> None:
    assert refused(400, body, DIALECTS[Dialect.CHAT]).body == body


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500])
def test_nothing_of_a_secret_is_left_in_a_cleaned_refusal(status: int) -> None:
    secret = "canary/0123456789"
    body = b'{"error":{"message":"bad canary\\/0123456789","code":"canary/0123456789","param":"canary/0123456789"}}'
    cleaned = Scrub([secret]).error(refused(status, body, DIALECTS[Dialect.CHAT]))
    assert "0123456789" not in f"{cleaned.facts} {cleaned.body!r}"


@pytest.mark.parametrize(("wait_s", "told"), [(None, None), (0, 0), (0.2, 1), (7, 7), (59.5, 60), (60, 60), (3600, 60)])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_wait_is_passed_on_in_whole_seconds_and_at_most_a_minute(
    status: int, wait_s: float | None, told: int | None
) -> None:
    error = refused(status, b"", DIALECTS[Dialect.CHAT], wait_s=wait_s)
    assert (error.facts.retry_after_s, error.wait_s) == (told, wait_s)


@pytest.mark.parametrize(
    ("status", "body", "blame"),
    [
        (401, b"", Blame.KEY_REFUSED),
        (403, b'{"error":{"code":"invalid_api_key"}}', Blame.KEY_REFUSED),
        (403, b"", Blame.NOBODY),
        (402, b"", Blame.KEY_SPENT),
        (429, b"", Blame.KEY_LIMITED),
        (429, b'{"error":{"code":"insufficient_quota"}}', Blame.KEY_SPENT),
        *((status, b"", Blame.NOBODY) for status in (400, 404, 413, 422, 451)),
        *((status, b"", Blame.TARGET) for status in (302, 407, 408, 409, 500, 502, 503, 504, 529, 600)),
    ],
)
def test_a_refusal_is_laid_to_whom_it_concerns(status: int, body: bytes, blame: Blame) -> None:
    assert refused(status, body, DIALECTS[Dialect.CHAT]).blame is blame


def test_a_quota_that_comes_back_says_when() -> None:
    body = b'{"error":{"code":"insufficient_quota"}}'
    assert refused(429, body, DIALECTS[Dialect.CHAT], wait_s=30).facts.retry_after_s == 30


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_wait_that_would_not_help_is_not_advised(status: int) -> None:
    assert refused(status, b"", DIALECTS[Dialect.CHAT], wait_s=30).facts.retry_after_s is None


@every_dialect
@given(status=st.integers(300, 599), body=st.binary(max_size=40), wait_s=st.none() | st.floats(0, 4000))
def test_whatever_is_refused_becomes_an_error_that_can_be_told(
    dialect: Dialect, status: int, body: bytes, wait_s: float | None
) -> None:
    parts = DIALECTS[dialect]
    told = refused(status, body, parts, wait_s=wait_s).facts
    assert 400 <= told.status <= 599
    assert told.status != 401
    assert told.message
    assert isinstance(orjson.loads(parts.error_body(told, "req_1"))["error"], dict)


@every_dialect
@given(status=st.integers(300, 599))
def test_a_status_alone_is_enough_for_a_judgement(dialect: Dialect, status: int) -> None:
    assert judged(status, NO_WORDS, DIALECTS[dialect]).facts == refused(status, b"", DIALECTS[dialect]).facts


@pytest.mark.parametrize("status", [407, 600, 700, 999])
def test_a_status_that_is_not_the_providers_to_give_is_a_502(status: int) -> None:
    assert refused(status, b"", DIALECTS[Dialect.CHAT]).facts.status == 502


def test_words_nested_without_end_are_no_words() -> None:
    body = b'{"error":{"message":' + b"[" * 1_000 + b"]" * 1_000 + b"}}"
    assert refused(400, body, DIALECTS[Dialect.CHAT]).facts.message.startswith("The provider refused")
