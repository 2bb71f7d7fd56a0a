"""The list of models that clients may ask for, in the forms of OpenAI and of Anthropic.

Sources: OpenAI "List models", Anthropic "List Models" (read 2026-11-24).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from relay.core.permissions import may_use
from relay.core.routing import Catalog
from relay.model import Principal

ALIAS_OWNER = "monorelay"


class ModelList:
    """The models of one catalog, rendered once. `since` stands for the creation time, which few tell."""

    def __init__(self, catalog: Catalog, since: datetime) -> None:
        self._owners = {name: _owner(catalog, name) for name in catalog.names()}
        self._created = int(since.timestamp())
        self._created_at = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def openai(self, principal: Principal | None = None) -> dict[str, Any]:
        """`{"object": "list", "data": [...]}`: all that this principal may use."""
        return {"object": "list", "data": [self._openai_one(name) for name in self._names(principal)]}

    def openai_one(self, name: str, principal: Principal | None = None) -> dict[str, Any] | None:
        """One model; None where there is none of that name for this principal."""
        found = self._find(name, principal)
        return None if found is None else self._openai_one(found)

    def anthropic(self, principal: Principal | None = None) -> dict[str, Any]:
        """`{"data": [...], "has_more", "first_id", "last_id"}`: all of them on one page."""
        names = self._names(principal)
        data = [self._anthropic_one(name) for name in names]
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        return {"data": data, "has_more": False, **ends}

    def anthropic_one(self, name: str, principal: Principal | None = None) -> dict[str, Any] | None:
        """One model; None where there is none of that name for this principal."""
        found = self._find(name, principal)
        return None if found is None else self._anthropic_one(found)

    def _names(self, principal: Principal | None) -> list[str]:
        """None: nobody in particular, to whom all are shown."""
        if principal is None or not principal.limits:
            return list(self._owners)
        return [name for name in self._owners if may_use(principal, name)]

    def _find(self, name: str, principal: Principal | None) -> str | None:
        folded = name.casefold()
        return next((known for known in self._names(principal) if known.casefold() == folded), None)

    def _openai_one(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": self._owners[name]}

    def _anthropic_one(self, name: str) -> dict[str, Any]:
        return {"type": "model", "id": name, "display_name": name, "created_at": self._created_at}


def _owner(catalog: Catalog, name: str) -> str:
    known = catalog.exact.get(name.casefold())
    return known[0].provider if known else ALIAS_OWNER
