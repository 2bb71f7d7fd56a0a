"""What was tried for one call so far: the relay adds to it, and whoever tells of the call reads it."""

from __future__ import annotations

from collections.abc import Iterable

from relay.core.params import UNCHANGED
from relay.model import AttemptRecord, Target


class Trail:
    """One call's attempts, in order."""

    __slots__ = ("attempts", "last_waited_s", "receipt", "target", "upstream_request_id", "waited_s")

    def __init__(self) -> None:
        self.attempts: list[AttemptRecord] = []
        self.target: Target | None = None
        """Who was asked last, or would have been first; None before there was a plan."""
        self.receipt = UNCHANGED
        """What the configuration changed of the request for the last try."""
        self.upstream_request_id: str | None = None
        """The id under which that provider knows the call."""
        self.last_waited_s = 0.0
        """Of the last attempt alone."""
        self.waited_s = 0.0
        """Time spent waiting for providers, failed attempts included, until the answer could begin."""

    def join(self, racing: Iterable[Trail], last: Trail) -> None:
        """Take over what was tried at once; `last` has what the call ended with, and stands behind the rest."""
        for other in (*(one for one in racing if one is not last), last):
            self.attempts += other.attempts
            self.target = other.target or self.target
            self.upstream_request_id = other.upstream_request_id
            self.receipt = other.receipt
            self.waited_s = max(self.waited_s, other.waited_s)

    @property
    def was_given_up(self) -> bool:
        """Whether the last attempt was cancelled before it had answered or failed."""
        return bool(self.attempts) and self.attempts[-1].status is None and self.attempts[-1].error is None

    def add(self, attempt: AttemptRecord, waited_s: float) -> None:
        """One more; it is over, or its answer may begin."""
        self.attempts.append(attempt)
        self.target = attempt.target
        self.last_waited_s = waited_s
        self.waited_s += waited_s
