"""Where one call goes: the plan of its name, put in order by what holds at this moment and by its conversation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from relay.core import routing
from relay.core.affinity import Place, Served
from relay.core.calls import RelayRequest
from relay.core.means import Clocks, Means
from relay.core.routing import Circumstances, Plan
from relay.core.routing.grading import grade
from relay.formats.asked import read_asked
from relay.model import Target

MAX_PLANS = 4096


@dataclass(frozen=True, slots=True)
class Itinerary:
    """Of one call."""

    targets: tuple[Target, ...]
    """To be tried in this order; at least one."""
    hedge_percentile: int | None
    """See Plan."""
    place: Place | None
    """Of its conversation; None: there is nothing to choose, or nothing by which it could be found again."""

    @property
    def preferred(self) -> Served | None:
        """Where the conversation was served last."""
        return None if self.place is None else self.place.preferred


class Planner:
    """Plans for one configuration; what its means remember outlives it."""

    def __init__(self, catalog: routing.Catalog, means: Means, clocks: Clocks) -> None:
        self._means = means
        self._clocks = clocks
        self._plan = lru_cache(MAX_PLANS)(lambda name, dialect: routing.plan(catalog, name, dialect))
        """For one configuration a name and a dialect always give the same plan."""

    def itinerary(self, request: RelayRequest) -> Itinerary:
        """Where a call goes. Raises RequestError where nobody may serve it."""
        plan = self._plan(request.model, request.endpoint.dialect)
        place = self._place(request, plan)
        targets = self._ordered(request, plan)
        if place is not None and place.preferred is not None and place.preferred.target in targets[1:]:
            targets = tuple(dict.fromkeys((place.preferred.target, *targets)))
        return Itinerary(targets, plan.hedge_percentile, place)

    def served(self, itinerary: Itinerary, target: Target, key_label: str | None) -> None:
        """The call's conversation is there now."""
        if itinerary.place is not None:
            self._means.affinity.remember(itinerary.place, target, key_label, self._clocks.now().timestamp())

    def _place(self, request: RelayRequest, plan: Plan) -> Place | None:
        """Looked for only where there is anything to choose from."""
        first = self._means.providers[plan.targets[0].provider]
        if len(plan.targets) == 1 and len(first.keys) < 2:
            return None
        return self._means.affinity.find(request, self._clocks.now().timestamp())

    def _ordered(self, request: RelayRequest, plan: Plan) -> tuple[Target, ...]:
        """As the plan says, without those that can't take the request."""
        targets = routing.in_order(plan, self._circumstances(request)) if plan.has_choice else plan.targets
        if plan.limits and len(targets) > 1:
            return routing.able(targets, plan.limits, read_asked(request.body))
        return targets

    def _circumstances(self, request: RelayRequest) -> Circumstances:
        meters, now_s = self._means.meters, self._clocks.now().timestamp()
        return Circumstances(
            random=self._clocks.random,
            busy=meters.busy,
            first_token_s=lambda target: meters.typical_s(target, now_s),
            grade=lambda: grade(read_asked(request.body)),
        )
