"""The attempt loop: one call, from a client's request to an answer that may begin, or to the error that it gets.

Nothing here has sent a byte to the client. What `open` returns is past the commit point: a plain answer that is whole,
or a stream whose first event has been judged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from relay.core import routing
from relay.core.attempt import PlainAnswer, Try
from relay.core.attempts import Attempt, Attempts, Held
from relay.core.calls import RelayRequest
from relay.core.last_word import last_word
from relay.core.means import Clocks, Means
from relay.core.stream import RelayStream
from relay.core.trail import Trail
from relay.errors import UpstreamError
from relay.model import Target, Usage
from relay.upstream.keyring import Shortage
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport

MAX_PLANS = 4096

log = logging.getLogger(__name__)


class Relay:
    """Serves calls for one configuration; what its means remember outlives it."""

    def __init__(
        self,
        catalog: routing.Catalog,
        means: Means,
        transports: Callable[[Provider], Transport],
        clocks: Clocks,
    ) -> None:
        self._means = means
        self._transport_of = transports
        self._clocks = clocks
        self._plan = lru_cache(MAX_PLANS)(lambda name, dialect: routing.plan(catalog, name, dialect))
        """For one configuration a name and a dialect always lead to the same targets."""

    async def open(self, request: RelayRequest, trail: Trail) -> PlainAnswer | RelayStream:
        """Try targets and keys until one answers. Raises RequestError, or the UpstreamError of the last try."""
        targets = self._plan(request.model, request.endpoint.dialect)
        trail.target = targets[0]
        failure: UpstreamError | None = None
        with Attempts(targets, self._means, self._clocks) as attempts:
            while (attempt := attempts.next(failure)) is not None:
                if attempt.delay_s:
                    await self._clocks.sleep(attempt.delay_s)
                try:
                    answer = await self._tried(request, attempt, trail)
                except UpstreamError as error:
                    failure = error
                    _log_failure(request, attempt, error)
                else:
                    self._hand_over(answer, attempts.served())
                    return answer
        raise last_word(failure, [self._shortage(target) for target in targets], attempts.made)

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

    def _shortage(self, target: Target) -> Shortage:
        return self._means.keyrings[target.provider].shortage(self._clocks.now())


def _total(usage: Usage | None) -> int:
    return 0 if usage is None else (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _log_failure(request: RelayRequest, attempt: Attempt, error: UpstreamError) -> None:
    label = attempt.key.label if attempt.key else "-"
    log.warning(
        "%s attempt at %s (key %s) failed: %s %s",
        request.request_id, attempt.provider.name, label, error.facts.status, error.facts.code,
    )  # fmt: skip
