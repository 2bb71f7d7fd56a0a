"""What was tried for one call so far: the relay adds to it, and whoever tells of the call reads it."""

from __future__ import annotations

from relay.core.params import UNCHANGED
from relay.model import AttemptRecord, Target


class Trail:
    """One call's attempts, in order."""

    __slots__ = ("attempts", "receipt", "target", "upstream_request_id", "waited_s")

    def __init__(self) -> None:
        self.attempts: list[AttemptRecord] = []
        self.target: Target | None = None
        """Who was asked last, or would have been first; None before there was a plan."""
        self.receipt = UNCHANGED
        """What the configuration changed of the request for the last try."""
        self.upstream_request_id: str | None = None
        """The id under which that provider knows the call."""
        self.waited_s = 0.0
        """Time spent waiting for providers, failed attempts included, until the answer could begin."""

    def add(self, attempt: AttemptRecord, waited_s: float) -> None:
        """One more; it is over, or its answer may begin."""
        self.attempts.append(attempt)
        self.target = attempt.target
        self.waited_s += waited_s
