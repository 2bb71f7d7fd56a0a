"""/api/providers: those of the file, how they stand, and changes that keep the file's comments and order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from relay.config.masking import masked
from relay.config.saving import Saved
from relay.core.configuring import providers as changes
from relay.core.configuring.providers import providers_of
from relay.core.provider_view import Providers
from relay.errors import InvalidRequest
from relay.web.accounts.rendering import enveloped
from relay.web.admin import rendering
from relay.web.admin.bodies import KeyChangeBody, KeysBody, OrderBody, ProviderBody, ProviderChangeBody, TestBody
from relay.web.admin.request import AdminApi


class ProvidersHandler:
    """For admins. Secrets are masked; a mask that is sent back stands for what is stored."""

    def __init__(self, api: AdminApi, in_force: Callable[[], Providers]) -> None:
        """`in_force` gives those of the moment: a change that this handler makes is answered by another site's."""
        self._api = api
        self._in_force = in_force
        self._now = api.account_api.desk.now

    async def list(self, request: web.Request) -> web.Response:
        """All of the file, in its order."""
        saved = await self._api.desk.read()
        document, views = masked(saved.text), self._in_force().views()
        told = [rendering.provider(document, name, views.get(name)) for name in providers_of(document)]
        return rendering.tagged(enveloped(told, self._now()), saved.etag)

    async def one(self, request: web.Request) -> web.Response:
        """One of them."""
        return self._shown(await self._api.desk.read(), _name(request))

    async def add(self, request: web.Request) -> web.Response:
        """201."""
        body = await self._api.account_api.body(request, ProviderBody)
        make = changes.add(body.name, body.options, body.position)
        saved = await self._api.changed(request, "provider_added", body.name, make)
        return self._shown(saved, body.name, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """The provider, changed."""
        body, name = await self._api.account_api.body(request, ProviderChangeBody), _name(request)
        make = changes.change(name, body.options, body.name)
        saved = await self._api.changed(request, "provider_changed", name, make)
        return self._shown(saved, body.name or name)

    async def delete(self, request: web.Request) -> web.Response:
        """204."""
        name = _name(request)
        saved = await self._api.changed(request, "provider_deleted", name, changes.delete(name))
        return web.Response(status=204, headers={"ETag": saved.etag})

    async def reorder(self, request: web.Request) -> web.Response:
        """All names, in their new order."""
        body = await self._api.account_api.body(request, OrderBody)
        saved = await self._api.changed(request, "providers_reordered", "providers", changes.reorder(body.names))
        return rendering.tagged(enveloped(list(providers_of(masked(saved.text))), self._now()), saved.etag)

    async def models(self, request: web.Request) -> web.Response:
        """Those known at one that is in force."""
        found = self._in_force().models(_name(request))
        return enveloped([rendering.model(one) for one in found], self._now())

    async def test(self, request: web.Request) -> web.Response:
        """Try one that is in force; it costs a few tokens."""
        body = await self._api.account_api.body(request, TestBody)
        return enveloped(rendering.report(await self._in_force().test(_name(request), body.model)), self._now())

    async def add_keys(self, request: web.Request) -> web.Response:
        """201: the provider's keys, the new ones included."""
        body, name = await self._api.account_api.body(request, KeysBody), _name(request)
        saved = await self._api.changed(request, "provider_keys_added", name, _keys_from(body, name))
        return self._keys(saved, name, status=201)

    async def keys(self, request: web.Request) -> web.Response:
        """Those of one provider, and how they stand."""
        return self._keys(await self._api.desk.read(), _name(request))

    async def change_key(self, request: web.Request) -> web.Response:
        """The provider's keys, one of them changed."""
        body, name, label = await self._api.account_api.body(request, KeyChangeBody), _name(request), _label(request)
        make = changes.change_key(name, label, body.options)
        saved = await self._api.changed(request, "provider_key_changed", f"{name}/{label}", make)
        return self._keys(saved, name)

    async def delete_key(self, request: web.Request) -> web.Response:
        """204."""
        name, label = _name(request), _label(request)
        make = changes.delete_key(name, label)
        saved = await self._api.changed(request, "provider_key_deleted", f"{name}/{label}", make)
        return web.Response(status=204, headers={"ETag": saved.etag})

    def _shown(self, saved: Saved, name: str, *, status: int = 200) -> web.Response:
        told = rendering.provider(masked(saved.text), name, self._in_force().views().get(name))
        return rendering.tagged(enveloped(told, self._now(), status=status), saved.etag)

    def _keys(self, saved: Saved, name: str, *, status: int = 200) -> web.Response:
        told: Sequence[Any] = rendering.provider(masked(saved.text), name, self._in_force().views().get(name))["keys"]
        return rendering.tagged(enveloped(told, self._now(), status=status), saved.etag)


def _keys_from(body: KeysBody, name: str) -> changes.Make:
    if body.key is not None and body.text is None:
        return changes.add_keys(name, [body.key])
    if body.text is not None and body.key is None:
        return changes.import_keys(name, body.text)
    raise InvalidRequest("Send either 'key', one key's options, or 'text', keys to import.", param="key")


def _name(request: web.Request) -> str:
    return request.match_info["name"]


def _label(request: web.Request) -> str:
    return request.match_info["label"]
