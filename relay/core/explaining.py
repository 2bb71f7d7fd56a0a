"""Where a call would go and why, and what would be sent, asking nobody. Nothing that is remembered changes by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.core import routing
from relay.core.calls import RelayRequest
from relay.core.means import Clocks, Means
from relay.core.params import UNCHANGED, Receipt
from relay.core.planning import Itinerary, Planner
from relay.core.routing import Plan, Step, what_it_lacks
from relay.errors import ErrorFacts
from relay.formats.asked import Asked
from relay.model import Target
from relay.upstream.keyring import KeyState


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of one target."""

    target: Target
    notes: tuple[str, ...]
    """What speaks against it at this moment, for people to read; empty: nothing."""
    keys: tuple[KeyState, ...]
    """Of its provider; empty for one without keys."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one call."""

    request: RelayRequest
    steps: tuple[Step, ...]
    """From the name to the targets."""
    targets: tuple[Outlook, ...] = ()
    """In the order in which they would be tried; behind them those that are passed over."""
    body: Mapping[str, Any] | None = None
    """What would be sent to the first one; None: the call would be refused."""
    receipt: Receipt = UNCHANGED
    """What the configuration changes of the body for it."""
    refusal: ErrorFacts | None = None
    """What the client would be told; None: the call would be tried."""


class Explainer:
    """Explains calls of one configuration."""

    def __init__(self, catalog: routing.Catalog, means: Means, clocks: Clocks) -> None:
        self._catalog = catalog
        self._means = means
        self._clocks = clocks
        self._planner = Planner(catalog, means, clocks)

    def explain(self, request: RelayRequest) -> Explanation:
        """What would become of a call at this moment. Raises InvalidRequest for a body that can't be sent."""
        resolved = routing.resolve(self._catalog, request.model, request.endpoint.dialect)
        if not isinstance(resolved.outcome, Plan):
            return Explanation(request, resolved.steps, refusal=resolved.outcome.facts)
        itinerary = self._planner.itinerary(request)
        first = itinerary.targets[0]
        prepared = self._means.parameters.prepared(request, first)
        return Explanation(
            request,
            (*resolved.steps, *_of_conversation(itinerary)),
            tuple(self._outlooks(request, resolved.outcome, itinerary)),
            prepared.request.outgoing(first),
            prepared.receipt,
        )

    def _outlooks(self, request: RelayRequest, plan: Plan, itinerary: Itinerary) -> list[Outlook]:
        passed_over = [target for target in plan.targets if target not in itinerary.targets]
        asked = request.asked
        return [self._outlook(asked, plan, target) for target in (*itinerary.targets, *passed_over)]

    def _outlook(self, asked: Asked, plan: Plan, target: Target) -> Outlook:
        now, provider = self._clocks.now(), self._means.providers[target.provider]
        notes = []
        if target in plan.limits and (why := what_it_lacks(plan.limits[target], asked)):
            notes.append(f"passed over where another is left: {why}")
        if (rest_s := self._means.breakers.rests_s(target, now)) > 0:
            notes.append(f"rests for {rest_s:.0f} s, since it failed again and again")
        if self._means.is_full(provider):
            notes.append(f"full: {provider.max_parallel} calls are under way")
        keys = self._means.keyrings[provider.name].states(now)
        if keys and not any(key.is_usable for key in keys):
            notes.append("none of its keys may be used at the moment")
        return Outlook(target, tuple(notes), keys)


def _of_conversation(itinerary: Itinerary) -> tuple[Step, ...]:
    if itinerary.preferred is None:
        return ()
    target = itinerary.preferred.target
    return (
        Step("affinity", f"{target.model}@{target.provider}", "the last call of this conversation was served there"),
    )
