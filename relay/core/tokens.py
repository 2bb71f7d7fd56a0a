"""Access tokens: JSON Web Tokens that this installation signs and nobody else. Pure: time and secrets are passed in.

    header   exactly {"alg": "HS256", "typ": "JWT"}
    claims   iss "monorelay", sub user id, sid session id, iat, exp, jti, type "access"

    RFC 7519; RFC 8725, "JSON Web Token Best Current Practices"

What PyJWT leaves open is closed here: other members of the header, other spellings of the same bytes, claims of other
types, and its own clock.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

ISSUER = "monorelay"
ALGORITHM = "HS256"
KIND = "access"
LEEWAY_S = 10
MAX_CHARACTERS = 8192
MIN_SECRET_BYTES = 32
"""RFC 7518, 3.2: a key of the size of the hash, at least."""
_HEADER = {"alg": ALGORITHM, "typ": "JWT"}
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_CLAIMS = ("iss", "sub", "sid", "iat", "exp", "jti", "type")
_DECODING: Any = {"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says."""

    user_id: int
    session_id: str
    expires_at_s: int
    """Seconds since 1970, UTC; it is taken for LEEWAY_S longer."""


def looks_like_token(text: str) -> bool:
    """Whether a string may be a token at all."""
    return len(text) <= MAX_CHARACTERS and _SHAPE.fullmatch(text) is not None


class TokenSigner:
    """Signs with the first of its secrets, and believes all of them."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) < MIN_SECRET_BYTES for secret in secrets):
            raise ValueError(f"a secret that signs tokens has at least {MIN_SECRET_BYTES} bytes")
        self._secrets = tuple(secrets)

    def sign(self, user_id: int, session_id: str, *, issued_at_s: int, expires_at_s: int, token_id: str) -> str:
        """A token; `token_id` is its `jti`."""
        claims = {
            "iss": ISSUER,
            "sub": str(user_id),
            "sid": session_id,
            "iat": issued_at_s,
            "exp": expires_at_s,
            "jti": token_id,
            "type": KIND,
        }
        return jwt.encode(claims, self._secrets[0], ALGORITHM, headers=_HEADER)

    def read(self, text: str, *, now_s: float) -> AccessToken | None:
        """What a token says; None for every string that is no valid token at this moment."""
        if not looks_like_token(text) or not _is_canonical(text):
            return None
        claims = next(filter(None, (_decoded(text, secret) for secret in self._secrets)), None)
        return None if claims is None else _checked(claims, now_s)


def _is_canonical(text: str) -> bool:
    """Whether each part is the one spelling of its bytes: the last letter may hold bits that decoders drop."""
    for part in text.split("."):
        padded = part + "=" * (-len(part) % 4)
        try:
            decoded = base64.urlsafe_b64decode(padded)
        except ValueError:
            return False
        if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
            return False
    return True


def _decoded(text: str, secret: bytes) -> dict[str, Any] | None:
    try:
        decoded = jwt.decode_complete(text, secret, algorithms=[ALGORITHM], issuer=ISSUER, options=_DECODING)
    except (jwt.PyJWTError, ValueError, RecursionError):  # ValueError: JSON that is none, or numbers beyond reason.
        return None
    claims: dict[str, Any] = decoded["payload"]
    return claims if decoded["header"] == _HEADER else None


def _checked(claims: dict[str, Any], now_s: float) -> AccessToken | None:
    user_id, session_id, issued_at_s, expires_at_s = (claims[name] for name in ("sub", "sid", "iat", "exp"))
    if not (isinstance(user_id, str) and _NUMBER.fullmatch(user_id) and isinstance(session_id, str)):
        return None
    if not (type(issued_at_s) is int and type(expires_at_s) is int and claims["type"] == KIND):
        return None
    if not issued_at_s - LEEWAY_S <= now_s < expires_at_s + LEEWAY_S:
        return None
    return AccessToken(int(user_id), session_id, expires_at_s)
