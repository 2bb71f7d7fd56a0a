"""/api/keys: one's own API keys."""

from __future__ import annotations

from aiohttp import web

from relay.core.accounts import keys
from relay.model import Limits
from relay.store.api_keys import KeyChange
from relay.web.accounts import rendering
from relay.web.accounts.bodies import KeyBody, KeyChangeBody
from relay.web.accounts.request import AccountApi, number, principal_of


class KeysHandler:
    """Lists hold no secret; a key that is made is told once."""

    def __init__(self, api: AccountApi) -> None:
        self._api = api
        self._desk = api.desk

    async def list(self, request: web.Request) -> web.Response:
        """All of them on one page."""
        own = await keys.own(self._desk, principal_of(request))
        shown = [rendering.key(key) for key in own]
        return rendering.listed(shown, self._desk.now(), page=1, page_size=keys.MAX_KEYS, total=len(shown))

    async def make(self, request: web.Request) -> web.Response:
        """201 with the secret."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, KeyBody)
        limits = Limits() if body.limits is None else body.limits.value()
        making = keys.make(self._desk, principal, body.name, limits, body.expires_at, client_ip)
        made = rendering.made_key(await self._api.done(making))
        response = rendering.enveloped(made, self._desk.now(), status=201, message="The key is shown this once.")
        response.headers["Cache-Control"] = "no-store"
        return response

    async def change(self, request: web.Request) -> web.Response:
        """The key, changed."""
        principal, client_ip, key_id = principal_of(request), self._api.client_ip(request), number(request, "API key")
        body = await self._api.body(request, KeyChangeBody)
        wanted = KeyChange(body.name, body.is_active, None if body.limits is None else body.limits.value())
        key = await self._api.done(keys.change(self._desk, principal, key_id, wanted, client_ip))
        return rendering.enveloped(rendering.key(key), self._desk.now())

    async def revoke(self, request: web.Request) -> web.Response:
        """204."""
        principal, client_ip, key_id = principal_of(request), self._api.client_ip(request), number(request, "API key")
        await self._api.done(keys.revoke(self._desk, principal, key_id, client_ip))
        return web.Response(status=204)
