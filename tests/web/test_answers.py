"""What an ordinary answer is made of: its document, its headers, and errors in the form of each dialect."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp import web
from multidict import CIMultiDict

from relay.errors import (
    BodyTooLarge,
    ErrorFacts,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    RequestError,
    Retry,
    Unauthorized,
    UnsupportedEncoding,
    UpstreamError,
)
from relay.model import Dialect
from relay.web import answers
from relay.web.exchange import Exchange
from tests.support.client_connection import FakeConnection

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
REFUSALS: list[tuple[RequestError, int]] = [
    (Forbidden("no"), 403),
    (InvalidRequest("no", param="model"), 400),
    (BodyTooLarge(9), 413),
    (UnsupportedEncoding("gzip"), 415),
    (ModelNotFound("no"), 404),
    (NotFound("/x"), 404),
    (MethodNotAllowed("PUT", ["POST"]), 405),
]


def exchange_of(dialect: Dialect = Dialect.CHAT) -> Exchange:
    return Exchange("req_1", FakeConnection(), 0.0, dialect=dialect)


def facts_of(**options: Any) -> ErrorFacts:
    return ErrorFacts(429, "Slow down.", "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", **options)


def failure(*, body: bytes | None = None, headers: tuple[tuple[str, str], ...] = (), **options: Any) -> UpstreamError:
    return UpstreamError(facts_of(**options), Retry.OTHER_KEY, body=body, headers=headers)


def body_of(response: web.Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def json_of(response: web.Response) -> Any:
    return orjson.loads(body_of(response))


def identified(exchange: Exchange, **headers: str) -> CIMultiDict[str]:
    response = web.Response(headers=headers)
    answers.identify(response, exchange)
    return CIMultiDict(response.headers)


# Documents


def test_a_document_is_json_and_says_so() -> None:
    response = answers.document({"a": [1, "ü"]}, status=503)
    assert (response.status, response.headers["Content-Type"]) == (503, "application/json")
    assert body_of(response) == '{"a":[1,"ü"]}'.encode()


# Headers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("gpt-5-mini", "gpt-5-mini"),
        ("vendor/model:free", "vendor/model:free"),
        ("a b~", "a b~"),
        ("", ""),
        ("grün", "gr?n"),
        ("模型", "??"),
        ("a\r\nX-Evil: 1", "a??X-Evil: 1"),
        ("tab\there\0\x7f", "tab?here??"),
        ("caf\udce9", "caf?"),
    ],
)
def test_only_printable_ascii_goes_into_a_header(value: str, shown: str) -> None:
    assert answers.printable(value) == shown


# What every answer has


@every_dialect
def test_every_answer_has_its_request_id(dialect: Dialect) -> None:
    assert identified(exchange_of(dialect))["X-Request-Id"] == "req_1"


@every_dialect
def test_only_anthropics_clients_find_it_under_their_name_too(dialect: Dialect) -> None:
    assert identified(exchange_of(dialect)).get("request-id") == ("req_1" if dialect is Dialect.MESSAGES else None)


def test_no_answer_names_aiohttp_or_python() -> None:
    assert identified(exchange_of(), Server="Python/3.11 aiohttp/3.14")["Server"] == "MonoRelay"


def test_what_the_exchange_carries_is_on_every_answer() -> None:
    exchange = exchange_of()
    exchange.headers.update({"Vary": "Origin", "X-MonoRelay-Provider": "up"})
    found = identified(exchange)
    assert (found["Vary"], found["X-MonoRelay-Provider"]) == ("Origin", "up")


# The relay's own no


@every_dialect
def test_every_401_is_the_same_to_the_letter(dialect: Dialect) -> None:
    response = answers.refusal(Unauthorized(), exchange_of(dialect))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert body_of(response) == b'{"error": {"message": "Unauthorized", "type": "auth_error"}}'


@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: type(value).__name__)
@every_dialect
def test_a_refusal_has_its_status_and_is_json(error: RequestError, status: int, dialect: Dialect) -> None:
    response = answers.refusal(error, exchange_of(dialect))
    assert (response.status, response.headers["Content-Type"]) == (status, "application/json")


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.RESPONSES])
def test_openais_clients_read_a_refusal_in_their_form(dialect: Dialect) -> None:
    document = json_of(answers.refusal(InvalidRequest("no", param="model", code="bad"), exchange_of(dialect)))
    assert document == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "model", "code": "bad"}
    }  # fmt: skip


def test_anthropics_clients_read_a_refusal_in_theirs_with_the_request_id() -> None:
    document = json_of(answers.refusal(InvalidRequest("no", param="model"), exchange_of(Dialect.MESSAGES)))
    assert document == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "no"},
        "request_id": "req_1",
    }


def test_a_405_names_the_methods_that_are_allowed() -> None:
    response = answers.refusal(MethodNotAllowed("PUT", ["POST", "GET"]), exchange_of())
    assert response.headers["Allow"] == "GET, POST"


# The last failure of a call


@every_dialect
def test_a_providers_own_words_are_kept_as_they_are(dialect: Dialect) -> None:
    response = answers.upstream_failure(failure(body=b'{"error":{"message":"theirs"}}'), exchange_of(dialect))
    assert (response.status, body_of(response)) == (429, b'{"error":{"message":"theirs"}}')


@every_dialect
def test_a_failure_without_words_is_told_in_the_form_of_the_dialect(dialect: Dialect) -> None:
    document = json_of(answers.upstream_failure(failure(), exchange_of(dialect)))
    assert document["error"]["message"] == "Slow down."
    assert (document.get("type") == "error") == (dialect is Dialect.MESSAGES)


def test_a_body_that_is_empty_is_kept_too() -> None:
    assert body_of(answers.upstream_failure(failure(body=b""), exchange_of())) == b""


def test_a_providers_headers_come_along() -> None:
    response = answers.upstream_failure(failure(headers=(("x-ratelimit-limit-requests", "7"),)), exchange_of())
    assert response.headers["x-ratelimit-limit-requests"] == "7"


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("Content-Type", "text/html", "application/json"),
        ("Retry-After", "86400", "5"),
        ("x-should-retry", "true", "false"),
    ],
)
def test_what_the_relay_says_itself_is_not_overruled(name: str, theirs: str, ours: str) -> None:
    error = failure(headers=((name, theirs),), retry_after_s=5, should_retry=False)
    assert answers.upstream_failure(error, exchange_of()).headers.getall(name) == [ours]


def test_a_retry_after_that_the_relay_has_no_view_on_is_the_providers() -> None:
    response = answers.upstream_failure(failure(headers=(("Retry-After", "Wed, 21 Oct"),)), exchange_of())
    assert response.headers.getall("Retry-After") == ["Wed, 21 Oct"]


@pytest.mark.parametrize("retry_after_s", [0, 5])
def test_the_delay_before_a_retry_is_told_even_if_it_is_none(retry_after_s: int) -> None:
    response = answers.upstream_failure(failure(retry_after_s=retry_after_s), exchange_of())
    assert response.headers["Retry-After"] == str(retry_after_s)


@pytest.mark.parametrize(("should_retry", "header"), [(True, "true"), (False, "false"), (None, None)])
def test_the_sdks_are_told_whether_to_retry_only_where_the_relay_knows(
    should_retry: bool | None, header: str | None
) -> None:
    response = answers.upstream_failure(failure(should_retry=should_retry), exchange_of())
    assert response.headers.get("x-should-retry") == header


# The relay's own fault


@every_dialect
def test_an_internal_error_says_where_its_cause_is(dialect: Dialect) -> None:
    response = answers.internal_error(exchange_of(dialect))
    assert (response.status, "req_1" in json_of(response)["error"]["message"]) == (500, True)
