"""What an upstream's refusal means for the client and for the next attempt: the rows of the fault table by status.

A body that the client's own request provoked is kept as the provider wrote it; what concerns the operator's account
with the provider (its key, its balance) is told in the relay's words, since it is none of the client's business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from relay import faults
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
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


def told_s(wait_s: float | None) -> int | None:
    """What Retry-After says of a wait: whole seconds, at most MAX_RETRY_AFTER_S; None: nothing."""
    return None if wait_s is None else min(math.ceil(wait_s), MAX_RETRY_AFTER_S)


def refused(
    status: int,
    body: bytes,
    parts: DialectParts,
    *,
    wait_s: float | None = None,
) -> UpstreamError:
    """Judge an answer with an error status. What is kept of its words still holds all that the provider put there.

    `wait_s` is what the provider asks for; None: nothing.
    """
    document = _decode(body)
    words = read_loose_words(document) or NO_WORDS
    error = judged(status, words, parts, wait_s=wait_s)
    is_kept = error.facts.status == status and _is_own_shape(document, error)
    return error.but(upstream_status=status, body=body if is_kept else None)


def judged(status: int, words: UpstreamWords, parts: DialectParts, *, wait_s: float | None = None) -> UpstreamError:
    """Judge a refusal by its status, real or read from its words."""
    if 300 <= status < 400:
        return faults.redirect()
    if status == 407 or status >= 600:  # Of a proxy that is none of the client's, or of nobody.
        return faults.protocol()
    if status == 401 or (status == 403 and _names_the_key(words)):
        return faults.keys_rejected()
    if status == 402:
        return _quota_gone(wait_s)
    if status == 429:
        return _rate_limited(words, wait_s)
    if status in (408, 409) or status >= 500:
        return _failed(status, words, parts, wait_s)
    return _rejected(status, words)


def _names_the_key(words: UpstreamWords) -> bool:
    return words.code in _NAMES_THE_KEY or words.type in _NAMES_THE_KEY


def _quota_gone(wait_s: float | None) -> UpstreamError:
    message = "The relay's quota with the provider is used up."
    facts = ErrorFacts(
        429, message, "insufficient_quota", "billing_error", "insufficient_quota", None, told_s(wait_s), False
    )
    return UpstreamError(facts, Retry.OTHER_KEY, Blame.KEY_SPENT, wait_s=wait_s)


def _rate_limited(words: UpstreamWords, wait_s: float | None) -> UpstreamError:
    if words.code in _QUOTA_WORDS or words.type in _QUOTA_WORDS:
        return _quota_gone(wait_s)
    message = words.message or "The provider's rate limit is reached."
    facts = ErrorFacts(
        429, message, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", retry_after_s=told_s(wait_s)
    )
    return UpstreamError(facts, Retry.OTHER_KEY, Blame.KEY_LIMITED, wait_s=wait_s)


def _failed(status: int, words: UpstreamWords, parts: DialectParts, wait_s: float | None) -> UpstreamError:
    message = words.message or f"The provider failed with status {status}."
    kind = "overloaded_error" if status in (503, 529) else "api_error"
    told = parts.overloaded_status if status == 529 else status
    facts = ErrorFacts(told, message, "server_error", kind, words.code or None, retry_after_s=told_s(wait_s))
    return UpstreamError(facts, Retry.OTHER_KEY, Blame.TARGET, wait_s=wait_s)


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
