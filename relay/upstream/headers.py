"""Which headers pass, in both directions. Allow lists: what is not named stays here.

A client's credential and cookies never reach a provider, whatever `forward_headers` says, and nothing that tells of
the operator's account with a provider, or of the provider's own front, reaches a client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache

from multidict import CIMultiDict

_PASS_UP = (
    "accept", "anthropic-*", "content-type", "http-referer", "idempotency-key", "openai-*", "originator", "session-id",
    "thread-id", "traceparent", "user-agent", "x-client-request-id", "x-claude-code-*", "x-codex-*", "x-session-*",
    "x-stainless-*", "x-title",
)  # fmt: skip
_NEVER_UP = frozenset({
    "accept-encoding", "api-key", "authorization", "connection", "content-encoding", "content-length", "cookie",
    "expect", "forwarded", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade", "via", "x-access-key", "x-api-key", "x-real-ip",
})  # fmt: skip
_NEVER_UP_PREFIXES = ("x-forwarded-",)
_PASS_DOWN = (
    "anthropic-*", "content-type", "openai-processing-ms", "retry-after", "x-ratelimit-*", "x-should-retry",
)  # fmt: skip
_NEVER_DOWN = frozenset({"anthropic-organization-id"})
MAX_NAMES = 1024
"""Spellings of header names whose verdict is kept."""
_REQUEST_ID_NAMES = ("x-request-id", "request-id")


class UpwardFilter:
    """Chooses, for one provider, which of a client's headers go along."""

    def __init__(self, forward_headers: Sequence[str] = ()) -> None:
        allowed = _any_of((*_PASS_UP, *forward_headers))
        self._passes = lru_cache(MAX_NAMES)(lambda name: _passes_up(name.lower(), allowed))
        """By the name as it is spelled: clients send the same few names in each call."""

    def choose(self, headers: Iterable[tuple[str, str]], connection: str) -> tuple[tuple[str, str], ...]:
        """The headers to send, in the client's order. `connection` is its Connection header, "" where it has none."""
        passes = self._passes
        chosen = tuple([header for header in headers if passes(header[0])])
        if not connection:
            return chosen
        hop_by_hop = {name.strip().lower() for name in connection.split(",")}
        return tuple(header for header in chosen if header[0].lower() not in hop_by_hop)


def _passes_up(lower: str, allowed: re.Pattern[str]) -> bool:
    if lower in _NEVER_UP or lower.startswith(_NEVER_UP_PREFIXES) or "_" in lower:
        return False
    return allowed.match(lower) is not None


def downward(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers of a provider's answer that a client may see."""
    chosen: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if _passes_down(name):
            chosen.add(name, value)
    return chosen


@lru_cache(MAX_NAMES)
def _passes_down(name: str) -> bool:
    lower = name.lower()
    return lower not in _NEVER_DOWN and _DOWN.match(lower) is not None


def upstream_request_id(headers: Mapping[str, str]) -> str | None:
    """The id under which the provider knows the call."""
    return next((headers[name] for name in _REQUEST_ID_NAMES if name in headers), None)


def _any_of(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(glob.lower()) for glob in globs))


_DOWN = _any_of(_PASS_DOWN)
