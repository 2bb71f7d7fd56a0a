"""The token that lets a scraper read the metrics, and nothing else: it stands for nobody."""

from __future__ import annotations

import hmac

from relay.config.schema import Config
from relay.core.access_keys import MAX_CREDENTIAL_CHARACTERS, secret_digest


class ScrapeToken:
    """`metrics.token` of one configuration."""

    def __init__(self, config: Config) -> None:
        token = config.metrics.token.get_secret_value()
        self._digest = secret_digest(token) if token else None
        """None: there is none, and nothing matches."""

    def matches(self, presented: str) -> bool:
        """Whether it is this one, found out in constant time."""
        if self._digest is None or len(presented) > MAX_CREDENTIAL_CHARACTERS:
            return False
        return hmac.compare_digest(self._digest, secret_digest(presented))
