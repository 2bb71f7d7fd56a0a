"""Which target, key and connection one call tries next. It decides and does no I/O: the choice of a key is passed in.

What a failure permits stands in its `retry`; that nothing is retried once a byte went to the client is the caller's
part, since this object is then no longer asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from relay.errors import Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import Key
from relay.upstream.providers import Provider
from relay.upstream.transport import Connection

MAX_ATTEMPTS = 3
"""Of one call, over all its targets and keys: more would cost the providers more than it gains the client."""

ChooseKey = Callable[[Provider, Collection[str]], Key | None]
"""(provider, labels already tried) -> a key that may be used now, None where there is none."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try."""

    target: Target
    provider: Provider
    key: Key | None
    """None for a provider without keys."""
    connection: Connection = Connection.POOLED


class Attempts:
    """The tries of one call, one after the other."""

    def __init__(self, targets: Sequence[Target], providers: Mapping[str, Provider], choose_key: ChooseKey) -> None:
        self._places = deque((target, providers[target.provider]) for target in targets)
        self._choose_key = choose_key
        self._tried: set[str] = set()
        self._current: Attempt | None = None
        self.made = 0
        """How many tries were handed out."""

    def next(self, failure: UpstreamError | None = None) -> Attempt | None:
        """The first try, or the one that may follow a failure of the last; None: it is over."""
        if self.made >= MAX_ATTEMPTS or (failure is not None and failure.retry is Retry.NEVER):
            return None
        found = self._after(failure.retry) if failure is not None else self._next_target()
        if found is not None:
            self.made += 1
            self._current = found
        return found

    def _after(self, retry: Retry) -> Attempt | None:
        last = self._current
        if last is None:
            return self._next_target()
        if self.made == MAX_ATTEMPTS - 1 and (elsewhere := self._next_target()) is not None:
            return elsewhere  # The last try: all keys and connections of a provider may share its fault.
        if retry is Retry.SAME_ONCE and last.connection is Connection.POOLED:
            return replace(last, connection=Connection.FRESH)
        if retry is Retry.OTHER_KEY and last.key is not None:
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
        key = self._choose_key(provider, self._tried)
        if key is None:
            return None
        self._tried.add(key.label)
        return Attempt(target, provider, key)
