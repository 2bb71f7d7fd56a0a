"""The attempt loop: one call, from a client's request to an answer that may begin, or to the error that it gets.

Nothing here has sent a byte to the client. What `open` returns is past the commit point: a plain answer that is whole,
or a stream whose first event has been judged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from relay.core import routing
from relay.core.attempt import PlainAnswer, Try
from relay.core.attempts import Attempt, Attempts, Pause
from relay.core.calls import RelayRequest
from relay.core.hedging import first_of
from relay.core.held import Held
from relay.core.last_word import last_word
from relay.core.means import Clocks, Means
from relay.core.planning import Itinerary, Planner
from relay.core.stream import RelayStream
from relay.core.tally import Tally
from relay.core.trail import Trail
from relay.core.turns import Turns
from relay.core.waiting_line import Place
from relay.errors import UpstreamError
from relay.model import Target, Usage
from relay.per_call import record
from relay.upstream.keyring import Shortage
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport

log = logging.getLogger(__name__)


@record(frozen=True, slots=True)
class Answered:
    """An answer that may begin, and how it came about."""

    answer: PlainAnswer | RelayStream
    attempt: Attempt
    trail: Trail


class Relay:
    """Serves calls for one configuration; what its means remember outlives it."""

    def __init__(
        self,
        catalog: routing.Catalog,
        means: Means,
        transports: Callable[[Provider], Transport],
        clocks: Clocks,
        turns: Turns,
    ) -> None:
        self._means = means
        self._turns = turns
        self._transport_of = transports
        self._clocks = clocks
        self._planner = Planner(catalog, means, clocks)

    async def open(self, request: RelayRequest, trail: Trail) -> PlainAnswer | RelayStream:
        """Try targets and keys until one answers. Raises RequestError, or the UpstreamError of the last try."""
        itinerary = self._planner.itinerary(request)
        trail.target = itinerary.targets[0]
        if self._turns.are_taken:
            turn = await self._turns.turn(itinerary.targets)
            with turn.place as place:
                answered = await self._answered(request, replace(itinerary, targets=turn.targets), trail, place)
        else:
            answered = await self._answered(request, itinerary, trail, None)
        self._learn(request, itinerary, answered)
        return answered.answer

    async def _answered(
        self, request: RelayRequest, itinerary: Itinerary, trail: Trail, place: Place | None
    ) -> Answered:
        late_s = self._late_s(request, itinerary)
        if late_s is None:
            return await self._first_answer(request, itinerary, trail, Tally(), place)
        return await self._hedged(request, itinerary, trail, late_s, place)

    def _late_s(self, request: RelayRequest, itinerary: Itinerary) -> float | None:
        """When a second target is asked as well; None: never, or nobody knows what is late."""
        percentile, targets = itinerary.hedge_percentile, itinerary.targets
        if percentile is None or not request.is_stream or len(targets) < 2:
            return None
        now = self._clocks.now()
        first = next((target for target in targets if self._means.is_open(target, now)), targets[0])
        return self._means.meters.percentile_s(first, percentile, now.timestamp())

    async def _hedged(
        self, request: RelayRequest, itinerary: Itinerary, trail: Trail, late_s: float, place: Place | None
    ) -> Answered:
        """Each of the two has a trail of its own, so that the one that is taken stands last in the call's.

        By what is in their common tally, no target is asked by both.
        """
        tally, trails = Tally(), (Trail(), Trail())
        decisive = trails[0]  # Where neither answers, the failure of the first is told.
        racing = first_of(
            self._first_answer(request, itinerary, trails[0], tally, place),
            lambda: self._first_answer(request, itinerary, trails[1], tally, place),
            _drop,
            late_s=late_s,
        )
        try:
            answered = await racing
            decisive = answered.trail
            self._learn_of_late(trails[0], late_s)
            return answered
        finally:
            trail.join(trails, decisive)

    async def _first_answer(
        self, request: RelayRequest, itinerary: Itinerary, trail: Trail, tally: Tally, place: Place | None
    ) -> Answered:
        failure: UpstreamError | None = None
        targets, preferred = itinerary.targets, itinerary.preferred
        with Attempts(targets, self._means, self._clocks, preferred=preferred, tally=tally) as attempts:
            attempt = attempts.first()
            if place is not None:
                place.leave()  # It has had its turn: it has its key, or there is none.
            while attempt is not None:
                try:
                    answer = await self._tried(request, attempt, trail)
                except UpstreamError as error:
                    failure = error
                    _log_failure(request, attempt, error)
                    attempt = await self._next(attempts, error)
                else:
                    self._hand_over(answer, attempts.served())
                    return Answered(answer, attempt, trail)
        raise last_word(failure, self._shortages(targets), attempts.made)

    async def _next(self, attempts: Attempts, failure: UpstreamError) -> Attempt | None:
        following = attempts.next(failure)
        if not isinstance(following, Pause):
            return following
        await self._clocks.sleep(following.delay_s)
        return attempts.resumed()

    def _learn(self, request: RelayRequest, itinerary: Itinerary, answered: Answered) -> None:
        """From a call whose answer may begin."""
        attempt = answered.attempt
        if request.is_stream:
            now_s = self._clocks.now().timestamp()
            self._means.meters.first_token(attempt.target, answered.trail.last_waited_s, now_s)
        if itinerary.thread is not None:
            key = attempt.key
            self._planner.served(itinerary.thread, attempt.target, None if key is None else key.label)

    def _learn_of_late(self, trail: Trail, late_s: float) -> None:
        """A call that was given up since another was quicker took longer than it had: else only quick ones counted."""
        if trail.was_given_up and trail.target is not None and trail.last_waited_s >= late_s:
            now_s = self._clocks.now().timestamp()
            self._means.meters.first_token(trail.target, trail.last_waited_s, now_s)

    async def _tried(self, request: RelayRequest, attempt: Attempt, trail: Trail) -> PlainAnswer | RelayStream:
        prepared = self._means.parameters.prepared(request, attempt.target)
        trail.receipt = prepared.receipt
        return await Try(prepared.request, attempt, trail, self._clocks).open(self._transport_of(attempt.provider))

    def _hand_over(self, answer: PlainAnswer | RelayStream, held: Held | None) -> None:
        """Key and target are in use until the end of the answer, which says how the target did."""
        if held is None:
            return
        if isinstance(answer, PlainAnswer):
            held.entry.served()
            held.let_go(self._clocks.now(), tokens=_total(answer.usage))
            return

        held.entry.began()

        def is_over(stream: RelayStream) -> None:
            now = self._clocks.now()
            if stream.failure is not None:
                held.entry.failed(stream.failure, now)
            elif stream.is_delivered:
                held.entry.served()
            held.let_go(now, tokens=_total(stream.usage()))

        answer.when_closed(is_over)

    def _shortages(self, targets: Sequence[Target]) -> list[Shortage]:
        now = self._clocks.now()
        return [found for target in targets if (found := self._means.shortage(target, now)) is not None]


def _drop(answered: Answered) -> None:
    """An answer that nobody takes: a stream still has its call."""
    if isinstance(answered.answer, RelayStream):
        answered.answer.close()


def _total(usage: Usage | None) -> int:
    return 0 if usage is None else (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _log_failure(request: RelayRequest, attempt: Attempt, error: UpstreamError) -> None:
    label = attempt.key.label if attempt.key else "-"
    log.warning(
        "%s attempt at %s (key %s) failed: %s %s",
        request.request_id, attempt.provider.name, label, error.facts.status, error.facts.code,
    )  # fmt: skip
