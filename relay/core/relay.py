"""The attempt loop: one call, from a client's request to an answer that may begin, or to the error that it gets.

Nothing here has sent a byte to the client. What `open` returns is past the commit point: a plain answer that is whole,
or a stream whose first event has been judged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache

from relay import faults
from relay.core import routing
from relay.core.attempt import PlainAnswer, Try
from relay.core.attempts import Attempt, Attempts
from relay.core.calls import RelayRequest
from relay.core.stream import RelayStream
from relay.core.trail import Trail
from relay.errors import UpstreamError
from relay.upstream.keyring import Key, KeyState, choose
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport

MAX_PLANS = 4096

log = logging.getLogger(__name__)


class Relay:
    """Serves calls for one configuration; `key_states` outlive it, so that a reload does not forget them."""

    def __init__(
        self,
        catalog: routing.Catalog,
        providers: Mapping[str, Provider],
        transports: Callable[[Provider], Transport],
        key_states: dict[str, KeyState],
        *,
        now: Callable[[], datetime],
        clock_s: Callable[[], float],
    ) -> None:
        self._providers = providers
        self._transport_of = transports
        self._key_states = key_states
        self._now = now
        self._clock_s = clock_s
        self._plan = lru_cache(MAX_PLANS)(lambda name, dialect: routing.plan(catalog, name, dialect))
        """For one configuration a name and a dialect always lead to the same targets."""

    async def open(self, request: RelayRequest, trail: Trail) -> PlainAnswer | RelayStream:
        """Try targets and keys until one answers. Raises RequestError, or the UpstreamError of the last try."""
        targets = self._plan(request.model, request.endpoint.dialect)
        trail.target = targets[0]
        attempts = Attempts(targets, self._providers, self._choose_key)
        failure: UpstreamError | None = None
        while (attempt := attempts.next(failure)) is not None:
            try:
                return await Try(request, attempt, trail, self._clock_s).open(self._transport_of(attempt.provider))
            except UpstreamError as error:
                failure = error
                _log_failure(request, attempt, error)
        raise failure or faults.no_key()

    def _choose_key(self, provider: Provider, tried: Collection[str]) -> Key | None:
        state = self._key_states.setdefault(provider.name, KeyState())
        return choose(provider.keys, state, now=self._now(), tried=tried, strategy=provider.strategy)


def _log_failure(request: RelayRequest, attempt: Attempt, error: UpstreamError) -> None:
    label = attempt.key.label if attempt.key else "-"
    log.warning(
        "%s attempt at %s (key %s) failed: %s %s",
        request.request_id, attempt.provider.name, label, error.facts.status, error.facts.code,
    )  # fmt: skip
