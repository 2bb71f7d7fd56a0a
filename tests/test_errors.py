"""The tree of errors, and what each of its leaves tells a client."""

from __future__ import annotations

import re

import pytest

from relay import errors
from relay.errors import (
    BodyTimeout,
    BodyTooLarge,
    ClientGone,
    ConfigError,
    Conflict,
    ErrorFacts,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NoSuch,
    NotFound,
    Overloaded,
    Problem,
    RelayError,
    RequestError,
    Retry,
    StaleVersion,
    StoreError,
    TooManyRequests,
    Unauthorized,
    UnsupportedEncoding,
    UpstreamError,
    VersionRequired,
    WrongPassword,
)

REFUSALS: list[tuple[RequestError, ErrorFacts]] = [
    (Unauthorized(), ErrorFacts(401, "Unauthorized", "auth_error", "auth_error")),
    (Forbidden("Not yours."), ErrorFacts(403, "Not yours.", "permission_error", "permission_error")),
    (InvalidRequest("Bad."), ErrorFacts(400, "Bad.", "invalid_request_error", "invalid_request_error")),
    (InvalidRequest("Bad.", param="n", code="c"),
     ErrorFacts(400, "Bad.", "invalid_request_error", "invalid_request_error", "c", "n")),
    (BodyTooLarge(9), ErrorFacts(413, "The request body is larger than 9 bytes (server.max_body).",
                                 "invalid_request_error", "request_too_large", "request_too_large")),
    (UnsupportedEncoding("br"), ErrorFacts(415, "Content-Encoding 'br' is not accepted: send the body uncompressed.",
                                           "invalid_request_error", "invalid_request_error")),
    (BodyTimeout(), ErrorFacts(408, "The request body did not arrive in time (server.body_timeout).",
                               "invalid_request_error", "timeout_error", "request_timeout")),
    (Overloaded("it is full"), ErrorFacts(503, "The relay is overloaded: it is full. Try again soon.",
                                          "server_error", "overloaded_error", "relay_overloaded", retry_after_s=1)),
    (WrongPassword(), ErrorFacts(401, "Incorrect username or password", "auth_error", "auth_error")),
    (TooManyRequests("Too many", retry_after_s=4), ErrorFacts(
        429, "Too many: try again in 4 s.", "rate_limit_error", "rate_limit_error", "rate_limit_exceeded",
        retry_after_s=4)),
    (Conflict("Taken.", param="n", code="taken"), ErrorFacts(
        409, "Taken.", "invalid_request_error", "invalid_request_error", "taken", "n")),
    (NoSuch("user", 9), ErrorFacts(404, "There is no user 9.", "invalid_request_error", "not_found_error",
                                   "not_found")),
    (ModelNotFound("No such model."), ErrorFacts(404, "No such model.", "invalid_request_error", "not_found_error",
                                                 "model_not_found", "model")),
    (StaleVersion('"e"'), ErrorFacts(
        412, 'Somebody else has changed it meanwhile: read it again, it is "e" now.', "invalid_request_error",
        "invalid_request_error", "stale_version", "If-Match")),
    (VersionRequired(), ErrorFacts(
        428, "Send the ETag that you have read as If-Match, so that nobody's change is overwritten.",
        "invalid_request_error", "invalid_request_error", "version_required", "If-Match")),
    (NotFound("/v2"), ErrorFacts(404, "Not found: /v2", "invalid_request_error", "not_found_error")),
    (MethodNotAllowed("GET", ["PUT", "POST"]), ErrorFacts(405, "GET is not allowed here; allowed: POST, PUT",
                                                          "invalid_request_error", "invalid_request_error")),
]  # fmt: skip


def documented_tree() -> dict[str, str]:
    """Each class of the docstring's tree with its parent, read by the depth of its line."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ((?:[|`\- ]{3})*)([A-Z]\w+)(?:  |$)", line)
        if found:
            depth = len(found[1]) // 3
            parents[found[2]] = path[depth - 1] if depth else "Exception"
            path[depth:] = [found[2]]
    return parents


def real_tree(root: type[Exception]) -> dict[str, str]:
    """The same of the classes that the module has."""
    parents = {root.__name__: root.__bases__[0].__name__}
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            parents |= real_tree(child)
    return parents


def documented_statuses() -> dict[str, int]:
    return {name: int(status) for name, status in re.findall(r"- (\w+) +(\d{3})\b", errors.__doc__ or "")}


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert documented_tree() == real_tree(RelayError)


def test_the_statuses_in_the_docstring_are_those_that_are_sent() -> None:
    assert documented_statuses() == {type(error).__name__: error.facts.status for error, _ in REFUSALS}


@pytest.mark.parametrize(("error", "facts"), REFUSALS)
def test_a_refusal_is_told_with_its_facts(error: RequestError, facts: ErrorFacts) -> None:
    assert error.facts == facts


@pytest.mark.parametrize("error", [error for error, _ in REFUSALS])
def test_a_refusal_reads_as_its_message(error: RequestError) -> None:
    assert str(error) == error.facts.message


def test_the_methods_that_are_allowed_are_given_in_order() -> None:
    assert MethodNotAllowed("GET", ["PUT", "POST"]).allowed == ("POST", "PUT")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("config.yml", 3, "server.port", "too large"), "config.yml:3: server.port: too large"),
        (Problem("config.yml", None, "server.port", "missing"), "config.yml: server.port: missing"),
        (Problem("config.yml", 3, "", "no mapping"), "config.yml:3: no mapping"),
        (Problem("config.yml", None, "", "not found"), "config.yml: not found"),
    ],
)
def test_a_problem_names_its_place_as_far_as_it_has_one(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_configuration_error_lists_every_problem() -> None:
    problems = [Problem("a.yml", 1, "x", "one"), Problem("a.yml", 2, "y", "two")]
    error = ConfigError(problems)
    assert (error.problems, str(error)) == (tuple(problems), "a.yml:1: x: one\na.yml:2: y: two")


def test_an_upstream_error_carries_its_facts_its_retry_and_no_body_of_its_own() -> None:
    facts = ErrorFacts(502, "Broken", "server_error", "api_error")
    error = UpstreamError(facts, Retry.NEVER)
    assert (error.facts, error.retry, error.body, str(error)) == (facts, Retry.NEVER, None, "Broken")


@pytest.mark.parametrize("kind", [StoreError, ClientGone])
def test_what_has_no_answer_for_a_client_has_no_facts(kind: type[RelayError]) -> None:
    assert not hasattr(kind("gone"), "facts")
