"""What providers say when they refuse: one reader for the shapes of all of them.

    {"error": {"message", "type", "param", "code"}}            OpenAI and most others; code may be a number (OpenRouter)
    {"error": "text"}, {"message": "text"}, {"detail": ...}    servers that are compatible in the good case only
    {"type": "error", "error": {"type", "message"}}            Anthropic
    {"type": "error", "code", "message", "param"}              an event of OpenAI Responses
    {"type": "response.failed", "response": {"error": {...}}}  its other one

Sources: OpenAI "Error codes" and "Streaming events", Anthropic "Errors", OpenRouter "Errors" (read 2026-11-24).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE_CHARACTERS = 2_000
_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_ERROR_STATUS = re.compile(r"[45][0-9]{2}")
_MESSAGE_KEYS = ("message", "detail", "error_message")

_ERROR_KEYS = (
    re.compile(rb'"error"\s*+:\s*+(?!null|false)'),
    re.compile(rb'"type"\s*+:\s*+"(?:error|response\.failed)"'),
    re.compile(rb'"object"\s*+:\s*+"error"'),
)
"""Keys of JSON only: inside a text of a model the quotes stand behind backslashes. Each pattern begins with a word, so
that the search for it is one for bytes."""
_ERROR_NAME = re.compile(rb"event:[ \t]*error")

_STATUS_OF_WORD = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "invalid_prompt": 400,
    "bad_request": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "insufficient_quota": 429,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "context_length_exceeded": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
    "server_overloaded": 503,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
}
"""Status codes for errors that arrive without one: in a stream, or behind a 200. A code counts before a type."""


@dataclass(frozen=True, slots=True)
class UpstreamWords:
    """A provider's own account of a refusal."""

    message: str
    """Empty where it gave none; at most MAX_MESSAGE_CHARACTERS."""
    type: str
    code: str
    param: str | None
    status: int | None
    """The status that type or code stand for; None when they name none."""


NO_WORDS = UpstreamWords("", "", "", None, None)
"""Of a refusal that says nothing."""


def may_tell_an_error(data: bytes) -> bool:
    """Whether a block of events or a document may report an error, in any shape and at any depth."""
    if b"error" not in data and b"response.failed" not in data:
        return False
    return any(key.search(data) for key in _ERROR_KEYS) or _has_error_name(data)


def _has_error_name(data: bytes) -> bool:
    """Whether a line says `event: error`."""
    starts = (match.start() for match in _ERROR_NAME.finditer(data))
    return any(start == 0 or data[start - 1] in b"\r\n" for start in starts)


def read_words(document: object) -> UpstreamWords | None:
    """Find the error in a decoded body or event; None when it reports none."""
    if not isinstance(document, dict):
        return None
    found = _error_part(document)
    if found is None:
        return None
    return _words(found) if isinstance(found, dict) else UpstreamWords(_text(found), "", "", None, None)


def read_loose_words(document: object) -> UpstreamWords | None:
    """As `read_words`, for a body whose status has already said that it is an error."""
    words = read_words(document)
    if words is not None or not isinstance(document, dict):
        return words
    return _words(document) if any(document.get(key) for key in _MESSAGE_KEYS) else None


def _words(found: Mapping[str, Any]) -> UpstreamWords:
    kind, code = _word(found.get("type")), _word(found.get("code"))
    param = found.get("param")
    message = _text(next((found[key] for key in _MESSAGE_KEYS if found.get(key)), None))
    status = _status(code, kind, found.get("status_code"), found.get("status"))
    return UpstreamWords(message, kind, code, param if isinstance(param, str) else None, status)


def _error_part(document: Mapping[str, Any]) -> object | None:
    """The part that tells of the error, most specific first."""
    if document.get("error"):
        error: object = document["error"]
        return error
    response = document.get("response")
    if document.get("type") == "response.failed" and isinstance(response, dict):
        return response.get("error") or {"code": "server_error"}
    if document.get("type") == "error":
        return {**document, "type": ""}  # Its type says only that it is an error.
    return None


def _status(*candidates: object) -> int | None:
    for candidate in candidates:
        text = _text(candidate)
        if _ERROR_STATUS.fullmatch(text):
            return int(text)
        if text in _STATUS_OF_WORD:
            return _STATUS_OF_WORD[text]
    return None


def _word(value: object) -> str:
    """A type or code; anything that does not look like one is left out, since these go into logs and headers."""
    text = _text(value)
    return text if _WORD.fullmatch(text) else ""


def _text(value: object) -> str:
    """Cut behind a word, since half a key could no longer be told to be one and taken out."""
    if value is None or isinstance(value, bool):
        return ""
    try:
        text = str(value)
    except RecursionError:  # Nested as deep as a provider likes.
        return ""
    return text if len(text) <= MAX_MESSAGE_CHARACTERS else text[:MAX_MESSAGE_CHARACTERS].rpartition(" ")[0]
