"""From the name that a client asked for to the targets that may serve it, in order. Pure.

catalog.py      what one configuration says: providers with their models, rules; indexed once
resolving.py    name -> plan, step by step; depends on nothing but the catalog, so that plans are kept
tree.py         the plan: targets, and groups of them among which each call chooses
choosing.py     plan -> targets in order, by what holds at this moment
grading.py      how hard a prompt looks, for the virtual model of `complexity`
needs.py        what a target is known not to take
"""

from __future__ import annotations

from relay.core.routing.catalog import AliasRule, Cascade, Catalog, Complexity, Place, Rules, normalise
from relay.core.routing.choosing import Circumstances, in_order
from relay.core.routing.needs import Capability, able, what_it_lacks
from relay.core.routing.resolving import Resolved, plan, resolve
from relay.core.routing.tree import Plan, Step, Strategy

__all__ = [
    "AliasRule",
    "Capability",
    "Cascade",
    "Catalog",
    "Circumstances",
    "Complexity",
    "Place",
    "Plan",
    "Resolved",
    "Rules",
    "Step",
    "Strategy",
    "able",
    "in_order",
    "normalise",
    "plan",
    "resolve",
    "what_it_lacks",
]
