"""Takes the operator's secrets out of what a provider said, before a client sees it.

Providers quote in their errors what they were sent: a key, an internal host. Answers themselves pass untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from relay.errors import UpstreamError

MAX_SPELLED_BYTES = 256 * 1024
"""As much of an error as is searched for secrets in other spellings, which costs far more than the plain ones."""
_MASK = b"***"


class Scrub:
    """The secrets of one provider."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, since one may stand in another.
        kept = sorted(set(filter(None, secrets)), key=len, reverse=True)
        self._plain = tuple(secret.encode() for secret in kept)
        self._spelled = re.compile(b"|".join(map(_spelled, kept))) if kept else None

    def data(self, data: bytes) -> bytes:
        """Bytes without the secrets, as they are and as JSON may spell them with backslashes."""
        if self._spelled is not None and len(data) <= MAX_SPELLED_BYTES and b"\\" in data:
            return self._spelled.sub(_MASK, data)
        for secret in self._plain:
            data = data.replace(secret, _MASK)
        return data

    def error(self, error: UpstreamError) -> UpstreamError:
        """The error without the secrets, in its message as in its body."""
        facts = error.facts
        cleaned = replace(
            facts, message=self._text(facts.message), code=self._optional(facts.code), param=self._optional(facts.param)
        )
        return error.but(
            facts=cleaned,
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
