"""GET /v1/models: one list in two forms, chosen by the header that only Anthropic's clients send."""

from __future__ import annotations

from aiohttp import web

from relay.core.models import ModelList
from relay.errors import ModelNotFound
from relay.model import Dialect
from relay.web.answers import document
from relay.web.exchange import EXCHANGE


class ModelsHandler:
    """Public; no provider is asked while a client waits."""

    def __init__(self, models: ModelList) -> None:
        self._models = models

    async def list(self, request: web.Request) -> web.Response:
        """All models."""
        return document(self._models.anthropic() if _is_anthropic(request) else self._models.openai())

    async def one(self, request: web.Request) -> web.Response:
        """One model, by its name; the name may hold slashes."""
        name = request.match_info["id"]
        found = self._models.anthropic_one(name) if _is_anthropic(request) else self._models.openai_one(name)
        if found is None:
            raise ModelNotFound(f"There is no model {name[:256]!r}.")
        return document(found)


def _is_anthropic(request: web.Request) -> bool:
    if "anthropic-version" not in request.headers:
        return False
    request[EXCHANGE].dialect = Dialect.MESSAGES
    return True
