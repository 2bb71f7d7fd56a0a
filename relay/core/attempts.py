"""Which target, key and connection one call tries next. It decides and does no I/O: means and time are passed in.

What a failure permits stands in its `retry`, and what it is laid to in its `blame`; that nothing is retried once a byte
went to the client is the caller's part, since this object is then no longer asked.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from relay.core.affinity import Served
from relay.core.breakers import Pass
from relay.core.means import Clocks, Means
from relay.core.target_meters import Load
from relay.errors import Blame, Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import Key, Slot
from relay.upstream.providers import Provider
from relay.upstream.transport import Connection

MAX_ATTEMPTS = 3
"""Of one call, over all its targets and keys: more would cost the providers more than it gains the client."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a try holds while it lasts."""

    slot: Slot | None
    """The right to use a key; None for a provider without keys."""
    entry: Pass
    """The right to try the target."""
    load: Load
    """That it is counted there."""

    def failed(self, failure: UpstreamError, now: datetime) -> None:
        """The try failed, and this is whom it is laid to."""
        if self.slot is not None:
            self.slot.failed(failure.blame, failure.wait_s, now)
        self.entry.failed(failure, now)

    def gives_way_to(self, other: Held, now: datetime) -> None:
        """Let go of what the next try does not hold as well."""
        if self.slot is not None and self.slot is not other.slot:
            self.slot.free(now)
        if self.entry is not other.entry:
            self.entry.leave()
        if self.load is not other.load:
            self.load.end()

    def let_go(self, now: datetime, *, tokens: int = 0) -> None:
        """It is over. Again: nothing happens."""
        if self.slot is not None:
            self.slot.free(now, tokens=tokens)
        self.entry.leave()
        self.load.end()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try."""

    target: Target
    provider: Provider
    held: Held
    connection: Connection = Connection.POOLED
    delay_s: float = 0
    """To be waited before it."""
    ends_s: float = math.inf
    """When the time of the call's attempts is over (monotonic): it ends by then."""

    @property
    def key(self) -> Key | None:
        """None for a provider without keys."""
        return None if self.held.slot is None else self.held.slot.key


@dataclass(slots=True)
class Tally:
    """How many tries one call has had; two that race for its answer share one."""

    made: int = 0


class Attempts:
    """The tries of one call, one after the other. What the current one holds is let go on leaving."""

    def __init__(
        self,
        targets: Sequence[Target],
        means: Means,
        clocks: Clocks,
        *,
        preferred: Served | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._places = deque(targets)
        self._preferred = preferred
        """Where the conversation was served last; its key is taken where it may be."""
        self._resting: list[Target] = []
        self._means = means
        self._clocks = clocks
        self._tried: set[str] = set()
        self._asked: set[str] = set()
        """Providers, by name."""
        self._current: Attempt | None = None
        self._held: Held | None = None
        self._had_its_once = False
        self._ends_s = math.inf
        """When the time of all tries together is over; known once the first one is."""
        self._tally = tally if tally is not None else Tally()

    @property
    def made(self) -> int:
        """How many tries were handed out."""
        return self._tally.made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._held.let_go(self._clocks.now())

    def next(self, failure: UpstreamError | None = None) -> Attempt | None:
        """The first try, or the one that may follow a failure of the last; None: it is over."""
        if failure is not None and self._held is not None:
            self._held.failed(failure, self._clocks.now())
        if self.made >= MAX_ATTEMPTS or (failure is not None and not self._permits(failure)):
            return None
        if failure is not None and self._clocks.clock_s() >= self._ends_s:
            return None
        found = self._next_target() if failure is None else self._after(failure)
        if found is None and self.made == 0:
            found = self._resting_target()
        while found is not None and not self._is_within_budget(found):
            self._drop(found)
            found = self._next_target()
        return None if found is None else self._handed_out(found)

    def served(self) -> Held | None:
        """The last try serves. Whoever takes what it holds lets it go; None: there was no try."""
        held, self._held = self._held, None
        if held is not None and held.slot is not None:
            held.slot.served()
        return held

    def _permits(self, failure: UpstreamError) -> bool:
        """By the rule of the provider that failed."""
        last = self._current
        if last is None:
            return failure.retry is not Retry.NEVER
        if failure.retry is Retry.OTHER_TARGET_ONCE:
            if self._had_its_once:
                return False
            self._had_its_once = True
        return self._means.retry_rules[last.provider.name].permits(failure, self.made)

    def _is_within_budget(self, attempt: Attempt) -> bool:
        """Whether its provider may be asked, which is then counted: by each call once, and again as it can bear."""
        name, now = attempt.provider.name, self._clocks.now()
        if name in self._asked:
            return self._means.budgets[name].spend(now)
        self._asked.add(name)
        self._means.budgets[name].called(now)
        return True

    def _drop(self, attempt: Attempt) -> None:
        if self._held is not None:
            attempt.held.gives_way_to(self._held, self._clocks.now())

    def _handed_out(self, attempt: Attempt) -> Attempt:
        if self._held is not None:
            self._held.gives_way_to(attempt.held, self._clocks.now())
        if self._current is None:
            self._ends_s = self._clocks.clock_s() + attempt.provider.deadlines.total_s
        else:
            attempt = replace(attempt, ends_s=self._ends_s)
        self._tally.made += 1
        self._current, self._held = attempt, attempt.held
        return attempt

    def _after(self, failure: UpstreamError) -> Attempt | None:
        last = self._current
        if last is None:
            return self._next_target()
        if self.made == MAX_ATTEMPTS - 1 and (elsewhere := self._next_target()) is not None:
            return elsewhere  # The last try: all keys and connections of a provider may share its fault.
        if failure.retry is Retry.SAME_ONCE and last.connection is Connection.POOLED:
            return replace(last, connection=Connection.FRESH)
        is_keys_turn = failure.retry is Retry.OTHER_KEY
        if is_keys_turn and last.held.entry.is_still_in(self._clocks.now()):
            return self._other_key(last, failure) or self._next_target()
        elsewhere = self._next_target()
        if elsewhere is None and (is_keys_turn or failure.blame is Blame.TARGET):
            return self._other_key(last, failure)  # With nowhere else to go: the fault may be with the key.
        return elsewhere

    def _other_key(self, last: Attempt, failure: UpstreamError) -> Attempt | None:
        """The same target with another key; None: there is none."""
        if last.held.slot is None:
            return None
        slot = self._means.keyrings[last.provider.name].take(self._clocks.now(), self._tried)
        if slot is None:
            return None
        self._tried.add(slot.key.label)
        held = Held(slot, last.held.entry, last.held.load)
        delay_s = self._delay_s(failure, last.provider)
        return Attempt(last.target, last.provider, held, delay_s=delay_s)

    def _delay_s(self, failure: UpstreamError, provider: Provider) -> float:
        """A provider in trouble is not asked again at once; a key that is refused says nothing of the others."""
        if failure.blame is not Blame.TARGET:
            return 0
        return self._means.retry_rules[provider.name].delay_s(self.made, self._clocks.random)

    def _next_target(self) -> Attempt | None:
        while self._places:
            target = self._places.popleft()
            entry = self._means.breakers.enter(target, self._clocks.now())
            if entry is None:
                self._resting.append(target)
            elif (attempt := self._at(target, entry)) is not None:
                return attempt
        return None

    def _resting_target(self) -> Attempt | None:
        """The first of those that rest, where nothing was tried: no call goes without a try that it could have had."""
        for target in self._resting:
            if (attempt := self._at(target, self._means.breakers.enter_anyway(target))) is not None:
                return attempt
        return None

    def _at(self, target: Target, entry: Pass) -> Attempt | None:
        """With a key of the provider, where it has keys; None: none of them may be used."""
        provider = self._means.providers[target.provider]
        if self._means.is_full(provider):
            entry.leave()
            return None
        if not provider.keys:
            self._tried = set()
            return Attempt(target, provider, Held(None, entry, self._means.meters.begin(target)))
        tried, self._tried = self._tried, set()
        attempt = self._with_key(target, provider, entry)
        if attempt is None:
            self._tried = tried
        return attempt

    def _with_key(self, target: Target, provider: Provider, entry: Pass) -> Attempt | None:
        preferred = self._preferred
        label = preferred.key_label if preferred is not None and preferred.target == target else None
        slot = self._means.keyrings[provider.name].take(self._clocks.now(), self._tried, preferred=label)
        if slot is None:
            entry.leave()
            return None
        self._tried.add(slot.key.label)
        return Attempt(target, provider, Held(slot, entry, self._means.meters.begin(target)))
