"""Whom a presented string stands for: an access key, an access token or an API key. From memory, never from a database.

What a string can be is decided by its shape. Tokens are verified once and then found by their digest, until they
expire; whether their session still lives is asked each time.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from relay.core.access_keys import AccessKeys
from relay.core.directory import Directory
from relay.core.refusals import Kind
from relay.core.tokens import LEEWAY_S, AccessToken, TokenSigner, looks_like_token
from relay.model import Principal

API_KEY_PREFIX = "sk-mr-"
_API_KEY = re.compile(r"sk-mr-[A-Za-z0-9_-]{43}")
MAX_TOKENS = 20_000
"""Verified tokens that are remembered; the oldest goes first."""


class Credentials:
    """All kinds of credentials, for one configuration."""

    def __init__(self, access_keys: AccessKeys, signer: TokenSigner, directory: Directory) -> None:
        self._access_keys = access_keys
        self._signer = signer
        self._directory = directory
        self._tokens: dict[bytes, AccessToken] = {}

    def match(self, presented: str, now: datetime) -> Principal | None:
        """Whom the string stands for at this moment; None for nobody."""
        if _API_KEY.fullmatch(presented):
            return self._of_api_key(presented, now)
        if looks_like_token(presented) and (principal := self._of_token(presented, now)) is not None:
            return principal
        return self._access_keys.match(presented, now)

    async def follow(self, presented: str, now: datetime) -> bool:
        """Whether a string that matched nothing is worth another look, since another process may just have made it.

        Raises StoreError where nobody can say whom it stands for, since the store has been gone for too long.
        """
        is_shaped = _API_KEY.fullmatch(presented) is not None
        if not is_shaped and self._verified(presented, now.timestamp()) is None:
            return False
        has_news = await self._directory.look_soon()
        self._directory.assert_fresh()
        return has_news

    def _of_api_key(self, presented: str, now: datetime) -> Principal | None:
        found = self._directory.of_key(digest_of(presented), now)
        if found is None:
            return None
        key, owner = found
        self._directory.used(key, now)
        name = f"{owner.name}/{key.name}"
        return Principal(name, owner.role, owner.user_id, (*owner.limits, key.limits), api_key_id=key.id)

    def _of_token(self, presented: str, now: datetime) -> Principal | None:
        token = self._verified(presented, now.timestamp())
        owner = None if token is None else self._directory.of_token(token)
        if token is None or owner is None:
            return None
        return Principal(owner.name, owner.role, owner.user_id, owner.limits, token.session_id)

    def _verified(self, presented: str, now_s: float) -> AccessToken | None:
        # Of all of it: half a token is nobody's.
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        token = self._tokens.get(digest)
        if token is None:
            token = self._signer.read(presented, now_s=now_s)
            if token is not None:
                self._remember(digest, token)
            return token
        if now_s < token.expires_at_s + LEEWAY_S:
            return token
        del self._tokens[digest]
        return None

    def _remember(self, digest: bytes, token: AccessToken) -> None:
        if len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[digest] = token


def kind_of(presented: str) -> Kind:
    """What a string can be, by its shape."""
    if _API_KEY.fullmatch(presented):
        return Kind.API_KEY
    return Kind.TOKEN if looks_like_token(presented) else Kind.ACCESS_KEY


def digest_of(secret: str) -> str:
    """What the store knows of a secret with enough randomness: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
