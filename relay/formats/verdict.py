"""What an upstream's refusal means for the client and for the next attempt: the rows of the fault table by status.

A body that the client's own request provoked is kept as the provider wrote it; what concerns the operator's account
with the provider (its key, its balance) is told in the relay's words, since it is none of the client's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relay import faults
from relay.errors import ErrorFacts, Retry, UpstreamError
from relay.formats.dialect import DialectParts
from relay.formats.upstream_errors import NO_WORDS, UpstreamWords, read_loose_words
from relay.formats.upstream_json import NotJson, read_json

MAX_RETRY_AFTER_S = 60
"""Both SDKs wait for what Retry-After says, up to a minute; a longer one makes them fall back to their own delays."""

_KEPT_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
}
_NAMES_THE_KEY = ("invalid_api_key", "authentication_error", "invalid_authentication", "api_key_invalid")
_QUOTA_WORDS = ("insufficient_quota", "billing_hard_limit_reached", "credit_balance_exhausted")


def refused(
    status: int,
    body: bytes,
    parts: DialectParts,
    *,
    retry_after: str | None = None,
) -> UpstreamError:
    """Judge an answer with an error status. What is kept of its words still holds all that the provider put there."""
    document = _decode(body)
    words = read_loose_words(document) or NO_WORDS
    error = judged(status, words, parts, retry_after=retry_after)
    if error.facts.status == status and _is_own_shape(document, error):
        return UpstreamError(error.facts, error.retry, body=body)
    return error


def judged(status: int, words: UpstreamWords, parts: DialectParts, *, retry_after: str | None = None) -> UpstreamError:
    """Judge a refusal by its status, real or read from its words."""
    if 300 <= status < 400:
        return faults.redirect()
    if status == 407 or status >= 600:  # Of a proxy that is none of the client's, or of nobody.
        return faults.protocol()
    if status == 401 or (status == 403 and _names_the_key(words)):
        return _key_refused()
    if status == 402:
        return _quota_gone(None)
    if status == 429:
        return _rate_limited(words, _seconds(retry_after))
    if status in (408, 409) or status >= 500:
        return _failed(status, words, parts, _seconds(retry_after))
    return _rejected(status, words)


def _names_the_key(words: UpstreamWords) -> bool:
    return words.code in _NAMES_THE_KEY or words.type in _NAMES_THE_KEY


def _key_refused() -> UpstreamError:
    message = "The provider refused the relay's own key; the operator must mend it."
    facts = ErrorFacts(502, message, "server_error", "api_error", "upstream_auth", should_retry=False)
    return UpstreamError(facts, Retry.OTHER_KEY)


def _quota_gone(retry_after_s: int | None) -> UpstreamError:
    message = "The relay's quota with the provider is used up."
    facts = ErrorFacts(
        429, message, "insufficient_quota", "billing_error", "insufficient_quota", None, retry_after_s, False
    )
    return UpstreamError(facts, Retry.OTHER_KEY)


def _rate_limited(words: UpstreamWords, retry_after_s: int | None) -> UpstreamError:
    if words.code in _QUOTA_WORDS or words.type in _QUOTA_WORDS:
        return _quota_gone(retry_after_s)
    message = words.message or "The provider's rate limit is reached."
    facts = ErrorFacts(
        429, message, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", retry_after_s=retry_after_s
    )
    return UpstreamError(facts, Retry.OTHER_KEY)


def _failed(status: int, words: UpstreamWords, parts: DialectParts, retry_after_s: int | None) -> UpstreamError:
    message = words.message or f"The provider failed with status {status}."
    kind = "overloaded_error" if status in (503, 529) else "api_error"
    told = parts.overloaded_status if status == 529 else status
    facts = ErrorFacts(told, message, "server_error", kind, words.code or None, retry_after_s=retry_after_s)
    return UpstreamError(facts, Retry.OTHER_KEY)


def _rejected(status: int, words: UpstreamWords) -> UpstreamError:
    message = words.message or f"The provider refused the request with status {status}."
    kind = _KEPT_ANTHROPIC_TYPES.get(status, "invalid_request_error")
    facts = ErrorFacts(status, message, "invalid_request_error", kind, words.code or None, words.param)
    if status == 404:
        return UpstreamError(replace(facts, code=facts.code or "model_not_found"), Retry.OTHER_TARGET)
    if status == 413:
        return UpstreamError(replace(facts, code=facts.code or "request_too_large"), Retry.NEVER)
    return UpstreamError(facts, Retry.NEVER)


def _is_own_shape(document: object, error: UpstreamError) -> bool:
    """Whether the body can go to the client as it is: the request's own fault, told in an SDK's shape."""
    concerns_request = error.facts.openai_type == "invalid_request_error"
    return concerns_request and isinstance(document, Mapping) and isinstance(document.get("error"), Mapping)


def _decode(body: bytes) -> object:
    try:
        return read_json(body)
    except NotJson:
        return None


def _seconds(retry_after: str | None) -> int | None:
    """The delay form of Retry-After (RFC 9110, 10.2.3), at most MAX_RETRY_AFTER_S."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return None
    return min(int(retry_after[:9]), MAX_RETRY_AFTER_S)
