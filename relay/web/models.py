"""GET /v1/models: one list in two forms, chosen by the header that only Anthropic's clients send."""

from __future__ import annotations

from aiohttp import web

from relay.core.models import ModelList
from relay.errors import ModelNotFound
from relay.model import Dialect
from relay.web.answers import document
from relay.web.exchange import EXCHANGE


class ModelsHandler:
    """Public, and narrowed to what a credential may use; no provider is asked while a client waits."""

    def __init__(self, models: ModelList) -> None:
        self._models = models

    async def list(self, request: web.Request) -> web.Response:
        """All models."""
        principal = request[EXCHANGE].principal
        is_anthropic = _is_anthropic(request)
        return document(self._models.anthropic(principal) if is_anthropic else self._models.openai(principal))

    async def one(self, request: web.Request) -> web.Response:
        """One model, by its name; the name may hold slashes."""
        name, principal = request.match_info["id"], request[EXCHANGE].principal
        find = self._models.anthropic_one if _is_anthropic(request) else self._models.openai_one
        found = find(name, principal)
        if found is None:
            raise ModelNotFound(f"There is no model {name[:256]!r}.")
        return document(found)


def _is_anthropic(request: web.Request) -> bool:
    if "anthropic-version" not in request.headers:
        return False
    request[EXCHANGE].dialect = Dialect.MESSAGES
    return True
