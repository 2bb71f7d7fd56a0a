"""What the official SDKs raise for what a client is told, by the names of their own classes.

Sources: openai-python and anthropic-sdk-python, `_make_status_error` and `__stream__` (installed ones, 2026-11-24).
Names that both have are the measure: a newer anthropic has finer ones below them.
"""

from __future__ import annotations

from dataclasses import dataclass

import anthropic
import openai

from relay.model import Dialect
from tests.faults.row import Broken, Refused

STATUS_CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
_OWN = {*STATUS_CLASSES.values(), "InternalServerError", "APIStatusError", "APIError"}
TRIED_BY_SDKS = frozenset({408, 409, 500, 502, 503, 504, 529})
"""Beside 429, whose wait they keep."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of an SDK, as far as the table says something of it."""

    sdk_class: str
    status: int | None
    """None: an exception that knows none. In a stream that has begun Anthropic's is 200."""
    type: str | None
    code: str | None
    """None in Anthropic's errors, which have none."""
    retry_after: str | None = None
    should_retry: str | None = None
    content_type: str | None = None
    """None where the answer had begun: then these three say nothing of the error."""


def sdk_class(status: int) -> str:
    """Which class stands for a status, in both SDKs."""
    return STATUS_CLASSES.get(status, "InternalServerError" if status >= 500 else "APIStatusError")


def sdk_class_of_a_break(dialect: Dialect) -> str:
    """Which class stands for an error event."""
    return "APIStatusError" if dialect is Dialect.MESSAGES else "APIError"


def expected(told: Refused | Broken, dialect: Dialect, tries: int) -> Raised:
    """What an SDK has to raise, after so many tries of the relay's own."""
    is_anthropics = dialect is Dialect.MESSAGES
    kind = told.anthropic_type if is_anthropics else told.openai_type
    code = None if is_anthropics else told.code
    if isinstance(told, Broken):
        return Raised(sdk_class_of_a_break(dialect), 200 if is_anthropics else None, kind, code)
    status = told.status_in(dialect)
    is_final = told.is_final or (tries == 3 and status in TRIED_BY_SDKS)
    wait = None if told.retry_after_s is None else str(told.retry_after_s)
    content_type = "application/json"
    return Raised(sdk_class(status), status, kind, code, wait, "false" if is_final else None, content_type)


def raised(error: Exception | None) -> Raised:
    """What an SDK has raised."""
    assert isinstance(error, openai.APIError | anthropic.APIError), repr(error)
    name = next(one.__name__ for one in type(error).__mro__ if one.__name__ in _OWN)
    if isinstance(error, openai.APIError):
        kind, code = error.type, error.code
    else:
        body = error.body if isinstance(error.body, dict) else {}
        kind, code = body["error"]["type"], body["error"].get("code")
        assert body["type"] == "error"
    if not isinstance(error, openai.APIStatusError | anthropic.APIStatusError):
        return Raised(name, None, kind, code)
    if error.status_code == 200:
        return Raised(name, 200, kind, code)
    found = error.response.headers
    content_type = found["Content-Type"].partition(";")[0]
    status = error.status_code
    return Raised(name, status, kind, code, found.get("Retry-After"), found.get("x-should-retry"), content_type)
