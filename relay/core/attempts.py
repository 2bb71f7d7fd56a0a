"""Which target, key and connection one call tries next. It decides and does no I/O: means and time are passed in.

What a failure permits stands in its `retry`, and what it is laid to in its `blame`; that nothing is retried once a byte
went to the client is the caller's part, since this object is then no longer asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from relay.core.affinity import Served
from relay.core.breakers import Pass
from relay.core.held import Held
from relay.core.means import Clocks, Means
from relay.core.tally import Tally
from relay.core.target_meters import Load
from relay.errors import Blame, Retry, UpstreamError
from relay.model import Target
from relay.per_call import record
from relay.upstream.keyring import Key
from relay.upstream.providers import Provider
from relay.upstream.transport import Connection

MAX_ATTEMPTS = 3
"""Of one call, over all its targets and keys: more would cost the providers more than it gains the client."""


@record(frozen=True, slots=True)
class Attempt:
    """One try."""

    target: Target
    provider: Provider
    held: Held
    connection: Connection = Connection.POOLED
    ends_s: float = math.inf
    """When the time of the call's attempts is over (monotonic): it ends by then."""

    @property
    def key(self) -> Key | None:
        """None for a provider without keys."""
        return None if self.held.slot is None else self.held.slot.key


@dataclass(frozen=True, slots=True)
class Pause:
    """A provider in trouble is not asked again at once. What is asked after it is decided then."""

    delay_s: float


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
        self._targets = targets
        self._tally = tally if tally is not None else Tally()
        self._preferred = preferred
        """Where the conversation was served last; its key is taken where it may be."""
        self._means = means
        self._clocks = clocks
        self._now = clocks.now()
        """Of the step that is being taken: all of it is decided by one time."""
        self._tried: set[str] = set()
        self._current: Attempt | None = None
        self._held: Held | None = None
        self._had_its_once = False

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

    def first(self) -> Attempt | None:
        """The first try, at the moment this was made for; None: there is none."""
        found = self._next_target() if self._has_room() else None
        if found is None and self.made == 0:
            found = self._resting_target()
        return self._handed_out(found)

    def next(self, failure: UpstreamError) -> Attempt | Pause | None:
        """What may follow a failure of the last try: another one, or a pause. None: it is over."""
        last, self._now = self._last(), self._clocks.now()
        last.held.failed(failure, self._now)
        found = self._after(last, failure) if self._has_room() and self._permits(last, failure) else None
        return found if isinstance(found, Pause) else self._handed_out(found)

    def resumed(self) -> Attempt | None:
        """The try behind a pause, by what holds now; None: it is over."""
        last, found, self._now = self._last(), None, self._clocks.now()
        if self._has_room():
            is_in = last.held.entry.is_still_in(self._now)
            found = (self._again(last) if is_in else None) or self._next_target() or self._again(last)
        return self._handed_out(found)

    def served(self) -> Held | None:
        """The last try serves. Whoever takes what it holds lets it go; None: there was no try."""
        held, self._held = self._held, None
        if held is not None and held.slot is not None and held.slot.served():
            held.load.ease()  # It was tried by this call, and may now be used by others.
        return held

    def _has_room(self) -> bool:
        """Whether the call may have another try at all."""
        return self._tally.made < MAX_ATTEMPTS and self._clocks.clock_s() < self._tally.ends_s

    def _last(self) -> Attempt:
        if self._current is None:
            raise AssertionError("nothing was tried yet")
        return self._current

    def _permits(self, last: Attempt, failure: UpstreamError) -> bool:
        """By the rule of the provider that failed."""
        if failure.retry is Retry.OTHER_TARGET_ONCE:
            if self._had_its_once:
                return False
            self._had_its_once = True
        return self._means.retry_rules[last.provider.name].permits(failure, self.made)

    def _may_ask(self, provider: Provider) -> bool:
        """Whether the budget lets it be asked: by each call once, and again as it can bear."""
        name = provider.name
        return name not in self._tally.providers or self._means.budgets[name].allows(self._now)

    def _count(self, provider: Provider) -> None:
        budget = self._means.budgets[provider.name]
        if provider.name in self._tally.providers:
            budget.spend(self._now)
            return
        self._tally.providers.add(provider.name)
        budget.called(self._now)

    def _handed_out(self, attempt: Attempt | None) -> Attempt | None:
        if attempt is None:
            return None
        if self._held is not None:
            self._held.gives_way_to(attempt.held, self._now)
        if self._tally.made == 0:
            self._tally.ends_s = self._clocks.clock_s() + attempt.provider.deadlines.total_s
        else:
            attempt = replace(attempt, ends_s=self._tally.ends_s)
        self._tally.made += 1
        self._tally.targets.add(attempt.target)
        self._current, self._held = attempt, attempt.held
        return attempt

    def _after(self, last: Attempt, failure: UpstreamError) -> Attempt | Pause | None:
        if self.made == MAX_ATTEMPTS - 1 and (elsewhere := self._next_target()) is not None:
            return elsewhere  # The last try: all keys and connections of a provider may share its fault.
        if failure.retry is Retry.SAME_ONCE and (repeated := self._repeated(last)) is not None:
            return repeated
        is_keys_turn = failure.retry is Retry.OTHER_KEY
        if is_keys_turn and last.held.entry.is_still_in(self._now):
            return self._other_key(last, failure) or self._next_target()
        elsewhere = self._next_target()
        if elsewhere is None and (is_keys_turn or failure.blame is Blame.TARGET):
            return self._other_key(last, failure)  # With nowhere else to go: the fault may be with the key.
        return elsewhere

    def _repeated(self, last: Attempt) -> Attempt | None:
        """The same on a fresh connection, once; None: it was one, or something was heard of the key meanwhile."""
        slot = last.held.slot
        if last.connection is Connection.FRESH or not self._may_ask(last.provider):
            return None
        if slot is not None and not slot.may_repeat(self._now):
            return None
        self._count(last.provider)
        return replace(last, connection=Connection.FRESH)

    def _other_key(self, last: Attempt, failure: UpstreamError) -> Attempt | Pause | None:
        """The same target with another key, at once or after a pause; None: there is none."""
        provider = last.provider
        if not provider.keys or not self._may_ask(provider):
            return None
        last.held.pauses(self._now)
        if not self._has_another(last):
            return None
        self._count(provider)
        if failure.blame is not Blame.TARGET:
            return self._again(last)  # A key that is refused says nothing of the others.
        return Pause(self._means.retry_rules[provider.name].delay_s(self.made, self._clocks.random))

    def _has_another(self, last: Attempt) -> bool:
        """Whether its provider may be asked with another key at this moment."""
        keyring = self._means.keyrings[last.provider.name]
        return not self._means.is_full(last.provider) and keyring.has_another(self._now, self._tried)

    def _again(self, last: Attempt) -> Attempt | None:
        """The same target with another key, which is counted already; None: there is none."""
        if self._means.is_full(last.provider):
            return None
        slot = self._means.keyrings[last.provider.name].take(self._now, self._tried)
        if slot is None:
            return None
        self._tried.add(slot.key.label)
        held = Held(slot, last.held.entry, self._load(last.target))
        return Attempt(last.target, last.provider, held)

    def _next_target(self) -> Attempt | None:
        """The first that was not asked yet and may be; what was passed over before may be back."""
        for target in self._untried():
            entry = self._means.breakers.enter(target, self._now)
            if entry is not None and (attempt := self._at(target, entry)) is not None:
                return attempt
        return None

    def _resting_target(self) -> Attempt | None:
        """The first of those that rest, where nothing was tried: no call goes without a try that it could have had."""
        for target in self._untried():
            if (attempt := self._at(target, self._means.breakers.enter_anyway(target))) is not None:
                return attempt
        return None

    def _untried(self) -> Iterator[Target]:
        return (target for target in self._targets if target not in self._tally.targets)

    def _at(self, target: Target, entry: Pass) -> Attempt | None:
        """With a key of the provider, where it has keys; None: none of them may be used."""
        provider = self._means.providers[target.provider]
        attempt = None
        if not self._means.is_full(provider) and self._may_ask(provider):
            attempt = self._with_key(target, provider, entry)
        if attempt is None:
            entry.leave()
        else:
            self._count(provider)
        return attempt

    def _with_key(self, target: Target, provider: Provider, entry: Pass) -> Attempt | None:
        if not provider.keys:
            self._tried = set()
            return Attempt(target, provider, Held(None, entry, self._load(target)))
        preferred = self._preferred
        label = preferred.key_label if preferred is not None and preferred.target == target else None
        slot = self._means.keyrings[provider.name].take(self._now, preferred=label)
        if slot is None:
            return None
        self._tried = {slot.key.label}
        return Attempt(target, provider, Held(slot, entry, self._load(target)))

    def _load(self, target: Target) -> Load:
        return self._means.meters.begin(target, self._now.timestamp())
