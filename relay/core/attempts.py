"""Which target, key and connection one call tries next. It decides and does no I/O: keyrings and time are passed in.

What a failure permits stands in its `retry`, and what it is laid to in its `blame`; that nothing is retried once a byte
went to the client is the caller's part, since this object is then no longer asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from relay.errors import Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import Key, Keyring, Slot
from relay.upstream.providers import Provider
from relay.upstream.transport import Connection

MAX_ATTEMPTS = 3
"""Of one call, over all its targets and keys: more would cost the providers more than it gains the client."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try."""

    target: Target
    provider: Provider
    slot: Slot | None
    """The right to use a key; None for a provider without keys."""
    connection: Connection = Connection.POOLED

    @property
    def key(self) -> Key | None:
        """None for a provider without keys."""
        return None if self.slot is None else self.slot.key


class Attempts:
    """The tries of one call, one after the other. It holds one slot at a time, and frees it on leaving."""

    def __init__(
        self,
        targets: Sequence[Target],
        providers: Mapping[str, Provider],
        keyrings: Mapping[str, Keyring],
        now: Callable[[], datetime],
    ) -> None:
        self._places = deque((target, providers[target.provider]) for target in targets)
        self._keyrings = keyrings
        self._now = now
        self._tried: set[str] = set()
        self._current: Attempt | None = None
        self._slot: Slot | None = None
        self.made = 0
        """How many tries were handed out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._slot is not None:
            self._slot.free(self._now())

    def next(self, failure: UpstreamError | None = None) -> Attempt | None:
        """The first try, or the one that may follow a failure of the last; None: it is over."""
        if failure is not None and self._slot is not None:
            self._slot.failed(failure.blame, failure.wait_s, self._now())
        if self.made >= MAX_ATTEMPTS or (failure is not None and failure.retry is Retry.NEVER):
            return None
        found = self._after(failure.retry) if failure is not None else self._next_target()
        if found is not None:
            self.made += 1
            self._hold(found)
        return found

    def served(self) -> Slot | None:
        """The last try serves. Whoever takes its slot frees it; None: there is none."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.served()
        return slot

    def _hold(self, attempt: Attempt) -> None:
        before, self._slot = self._slot, attempt.slot
        if before is not None and before is not attempt.slot:
            before.free(self._now())
        self._current = attempt

    def _after(self, retry: Retry) -> Attempt | None:
        last = self._current
        if last is None:
            return self._next_target()
        if self.made == MAX_ATTEMPTS - 1 and (elsewhere := self._next_target()) is not None:
            return elsewhere  # The last try: all keys and connections of a provider may share its fault.
        if retry is Retry.SAME_ONCE and last.connection is Connection.POOLED:
            return replace(last, connection=Connection.FRESH)
        if retry is Retry.OTHER_KEY and last.slot is not None:
            return self._with_key(last.target, last.provider) or self._next_target()
        return self._next_target()

    def _next_target(self) -> Attempt | None:
        while self._places:
            target, provider = self._places.popleft()
            tried, self._tried = self._tried, set()
            attempt = self._with_key(target, provider) if provider.keys else Attempt(target, provider, None)
            if attempt is not None:
                return attempt
            self._tried = tried
        return None

    def _with_key(self, target: Target, provider: Provider) -> Attempt | None:
        slot = self._keyrings[provider.name].take(self._now(), self._tried)
        if slot is None:
            return None
        self._tried.add(slot.key.label)
        return Attempt(target, provider, slot)
