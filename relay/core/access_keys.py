"""The static access keys of the configuration: whom a presented string stands for.

Comparison is between SHA-256 digests of bytes, in constant time, over all keys: neither the place of a key in the list
nor how much of it was right shows in the time. `surrogateescape` keeps headers that are no ASCII from being an error.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from relay.config.schema import Config
from relay.model import Principal, Role

MAX_CREDENTIAL_CHARACTERS = 8192
"""No credential of any kind is longer; a longer string is refused before it is hashed."""


class AccessKeys:
    """The keys that are in force for one configuration."""

    def __init__(self, config: Config) -> None:
        given = config.server.access_keys if config.server.access_key_enabled else ()
        self._keys = [
            (secret_digest(key.key.get_secret_value()), key.expires_at, Principal(key.name, Role.ADMIN))
            for key in given
            if key.key.get_secret_value()
        ]

    def match(self, presented: str, now: datetime) -> Principal | None:
        """Whom the string stands for at this moment; None for nobody."""
        if not presented or len(presented) > MAX_CREDENTIAL_CHARACTERS:
            return None
        digest = secret_digest(presented)
        found: Principal | None = None
        for known, expires_at, principal in self._keys:
            if hmac.compare_digest(known, digest) and (expires_at is None or now < expires_at):
                found = principal
        return found

    def are_any_in_force(self, now: datetime) -> bool:
        """Whether somebody can get in by one of them."""
        return any(expires_at is None or now < expires_at for _, expires_at, _ in self._keys)

    async def follow(self, presented: str, now: datetime) -> bool:
        """Whether there may be news of a string that matched nothing: the keys of a configuration are all known."""
        return False


def secret_digest(secret: str) -> bytes:
    """What is compared in the place of a secret, and is as long whatever the secret is."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
