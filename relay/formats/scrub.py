"""Takes the operator's secrets out of what a provider said, before a client sees it.

Providers quote in their errors what they were sent: a key, an internal host. Answers themselves pass untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from relay.errors import UpstreamError

_MASK = b"***"


class Scrub:
    """The secrets of one provider."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, since one may stand in another.
        kept = sorted(filter(None, secrets), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(_spelled, kept))) if kept else None

    def data(self, data: bytes) -> bytes:
        """Bytes without the secrets."""
        return data if self._pattern is None else self._pattern.sub(_MASK, data)

    def error(self, error: UpstreamError) -> UpstreamError:
        """The error without the secrets, in its message as in its body."""
        facts = error.facts
        cleaned = replace(
            facts, message=self._text(facts.message), code=self._optional(facts.code), param=self._optional(facts.param)
        )
        return UpstreamError(
            cleaned,
            error.retry,
            body=None if error.body is None else self.data(error.body),
            headers=tuple((name, self._text(value)) for name, value in error.headers),
            upstream_request_id=self._optional(error.upstream_request_id),
        )

    def _text(self, text: str) -> str:
        return self.data(text.encode("utf-8", "replace")).decode()

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self._text(text)


def _spelled(secret: str) -> bytes:
    """A pattern of the secret as text, and as JSON may write it: by numbers, and a few signs behind a backslash."""
    return b"".join(
        rb"(?:%s%s|\\u(?i:%04x))" % (rb"\\?" if sign in '"\\/' else b"", re.escape(sign.encode()), ord(sign))
        for sign in secret
    )
