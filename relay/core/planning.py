"""Where one call goes: the plan of its name, put in order by what holds at this moment and by its conversation."""

from __future__ import annotations

from copy import copy
from functools import lru_cache

from relay.core import routing
from relay.core.affinity import Served, Thread
from relay.core.calls import RelayRequest
from relay.core.means import Clocks, Means
from relay.core.routing import Circumstances, Plan
from relay.core.routing.grading import grade
from relay.model import Target
from relay.per_call import record

MAX_PLANS = 4096


@record(frozen=True, slots=True)
class Itinerary:
    """Of one call."""

    targets: tuple[Target, ...]
    """To be tried in this order; at least one."""
    hedge_percentile: int | None
    """See Plan."""
    thread: Thread | None
    """Of its conversation; None: there is nothing to choose, or nothing by which it could be found again."""

    @property
    def preferred(self) -> Served | None:
        """Where the conversation was served last."""
        return None if self.thread is None else self.thread.preferred


class Planner:
    """Plans for one configuration; what its means remember outlives it."""

    def __init__(self, catalog: routing.Catalog, means: Means, clocks: Clocks) -> None:
        self._means = means
        self._clocks = clocks
        self._outcome = lru_cache(MAX_PLANS)(lambda name, dialect: routing.resolve(catalog, name, dialect).outcome)
        """For one configuration a name and a dialect always give the same plan, or the same refusal."""

    def itinerary(self, request: RelayRequest) -> Itinerary:
        """Where a call goes. Raises RequestError where nobody may serve it."""
        plan = self._plan(request)
        thread = self._thread(request, plan)
        targets = self._ordered(request, plan)
        if thread is not None and thread.preferred is not None and not plan.is_graded:
            targets = _with_first(targets, thread.preferred.target)
        return Itinerary(targets, plan.hedge_percentile, thread)

    def served(self, thread: Thread, target: Target, key_label: str | None) -> None:
        """The call's conversation is there now."""
        self._means.affinity.remember(thread, target, key_label, self._clocks.now().timestamp())

    def _plan(self, request: RelayRequest) -> Plan:
        outcome = self._outcome(request.model, request.endpoint.dialect)
        if isinstance(outcome, Plan):
            return outcome
        raise copy(outcome)  # The kept one would gather the traceback of each call.

    def _thread(self, request: RelayRequest, plan: Plan) -> Thread | None:
        """Looked for only where there is anything to choose from."""
        first = self._means.providers[plan.targets[0].provider]
        if len(plan.targets) == 1 and len(first.keys) < 2:
            return None
        return self._means.affinity.find(request, self._clocks.now().timestamp())

    def _ordered(self, request: RelayRequest, plan: Plan) -> tuple[Target, ...]:
        """As the plan says, without those that can't take the request."""
        targets = routing.in_order(plan, self._circumstances(request)) if plan.has_choice else plan.targets
        if plan.limits and len(targets) > 1:
            return routing.able(targets, plan.limits, request.asked)
        return targets

    def _circumstances(self, request: RelayRequest) -> Circumstances:
        meters, now_s = self._means.meters, self._clocks.now().timestamp()
        return Circumstances(
            random=self._clocks.random,
            busy=meters.busy,
            first_token_s=lambda target: meters.typical_s(target, now_s),
            is_due=lambda target: request.is_stream and meters.is_due(target, now_s),  # Only streams give a measure.
            grade=lambda: grade(request.asked),
        )


def _with_first(targets: tuple[Target, ...], first: Target) -> tuple[Target, ...]:
    """The same with one of them in front; one that is none of them changes nothing."""
    return tuple(dict.fromkeys((first, *targets))) if first in targets[1:] else targets
