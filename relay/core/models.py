"""The list of models that clients may ask for, in the forms of OpenAI and of Anthropic.

`owned_by` is the provider that is asked first, which is where a call goes; its own list may name another owner.
`created` is what that provider tells, where it does.

Sources: OpenAI "List models", Anthropic "List Models" (read 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from relay.core.catalog import NO_LISTS, Lists
from relay.core.permissions import Bounds, bounds_of, is_allowed
from relay.core.routing import Catalog
from relay.model import Principal

ALIAS_OWNER = "monorelay"
MAX_VIEWS = 256
"""So many different bounds of credentials are remembered with the names that they leave."""


class ModelList:
    """The models of one catalog, rendered once: what it gives is shared, and must not be changed.

    `since` stands for the creation time where nobody tells one.
    """

    def __init__(self, catalog: Catalog, since: datetime, lists: Lists = NO_LISTS) -> None:
        told = {(provider, model.name): model.created_at for provider, listed in lists.items() for model in listed}
        self._names = {name.casefold(): name for name in catalog.names()}
        self._openai: dict[str, dict[str, Any]] = {}
        self._anthropic: dict[str, dict[str, Any]] = {}
        for folded, name in self._names.items():
            first = next(iter(catalog.exact.get(folded, ())), None)
            created_at = (told.get((first.provider, first.model)) if first else None) or since
            self._openai[name] = _openai_one(name, created_at, first.provider if first else ALIAS_OWNER)
            self._anthropic[name] = _anthropic_one(name, created_at)
        self._within = lru_cache(MAX_VIEWS)(self._names_within)

    def openai(self, principal: Principal | None = None) -> dict[str, Any]:
        """`{"object": "list", "data": [...]}`: all that this principal may use."""
        return {"object": "list", "data": [self._openai[name] for name in self._visible(principal)]}

    def openai_one(self, name: str, principal: Principal | None = None) -> dict[str, Any] | None:
        """One model; None where there is none of that name for this principal."""
        found = self._find(name, principal)
        return None if found is None else self._openai[found]

    def anthropic(self, principal: Principal | None = None) -> dict[str, Any]:
        """`{"data": [...], "has_more", "first_id", "last_id"}`: all of them on one page."""
        names = self._visible(principal)
        data = [self._anthropic[name] for name in names]
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        return {"data": data, "has_more": False, **ends}

    def anthropic_one(self, name: str, principal: Principal | None = None) -> dict[str, Any] | None:
        """One model; None where there is none of that name for this principal."""
        found = self._find(name, principal)
        return None if found is None else self._anthropic[found]

    def _visible(self, principal: Principal | None) -> Sequence[str]:
        """None: nobody in particular, to whom all are shown."""
        return self._within(() if principal is None else bounds_of(principal))

    def _names_within(self, bounds: Bounds) -> tuple[str, ...]:
        return tuple(name for name in self._names.values() if is_allowed(bounds, name))

    def _find(self, name: str, principal: Principal | None) -> str | None:
        known = self._names.get(name.casefold())
        bounds = () if principal is None else bounds_of(principal)
        return known if known is not None and is_allowed(bounds, known) else None


def _openai_one(name: str, created_at: datetime, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(created_at.timestamp()), "owned_by": owner}


def _anthropic_one(name: str, created_at: datetime) -> dict[str, Any]:
    written = created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": written}
