"""Credentials that were presented and are none: counted by kind, and told in the log, which bounds how often.

A wrong access key waits for nothing, unlike a password: it is random and can't be guessed. But somebody tries.
"""

from __future__ import annotations

import enum
import logging
from collections import Counter

log = logging.getLogger(__name__)


class Kind(enum.StrEnum):
    """What a string can be by its shape."""

    ACCESS_KEY = "access key"
    """Anything that is none of the others."""
    TOKEN = "access token"  # noqa: S105 - the name of a kind
    API_KEY = "API key"


class Refusals:
    """One for a process."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()

    def note(self, kind: Kind, client_ip: str) -> None:
        """One more, from an address."""
        self.counts[kind] += 1
        log.warning("no valid %s, from %s; %d of these since the start", kind, client_ip, self.counts[kind])
