"""/api/providers: those of the file, how they stand, and changes that keep the file's comments and order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from relay.core.configuring import providers as changes
from relay.core.configuring.providers import keys_of, providers_of
from relay.core.configuring.shown import Shown
from relay.core.provider_view import Providers
from relay.errors import InvalidRequest
from relay.web.accounts.rendering import enveloped, listed_whole
from relay.web.admin import rendering
from relay.web.admin.bodies import KeyChangeBody, KeysBody, OrderBody, ProviderBody, ProviderChangeBody, TestBody
from relay.web.admin.request import AdminApi, require_if_match


class ProvidersHandler:
    """For admins. Secrets are masked; a mask that is sent back stands for what is stored."""

    def __init__(self, api: AdminApi, in_force: Callable[[], Providers]) -> None:
        """`in_force` gives those of the moment: a change that this handler makes is answered by another site's."""
        self._api = api
        self._in_force = in_force
        self._now = api.account_api.desk.now

    async def list(self, request: web.Request) -> web.Response:
        """All of the file, in its order."""
        shown, views = await self._read(), self._in_force().views()
        told = [rendering.provider(shown.document, name, views.get(name)) for name in providers_of(shown.document)]
        return rendering.tagged(listed_whole(told, self._now()), shown.saved.etag)

    async def one(self, request: web.Request) -> web.Response:
        """One of them."""
        return self._told(await self._read(), _name(request))

    async def add(self, request: web.Request) -> web.Response:
        """201."""
        body = await self._api.account_api.body(request, ProviderBody)
        make = changes.add(body.name, body.options, body.position)
        changed = await self._api.changed(request, "provider_added", body.name, make)
        return self._told(changed.after, body.name, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """The provider, changed."""
        body, name = await self._api.account_api.body(request, ProviderChangeBody), _name(request)
        if "keys" in body.options:
            require_if_match(request)  # They replace all that are there.
        make = changes.change(name, body.options, body.name)
        changed = await self._api.changed(request, "provider_changed", name, make)
        return self._told(changed.after, body.name or name)

    async def delete(self, request: web.Request) -> web.Response:
        """204."""
        name = _name(request)
        changed = await self._api.changed(request, "provider_deleted", name, changes.delete(name))
        return web.Response(status=204, headers={"ETag": changed.after.saved.etag})

    async def reorder(self, request: web.Request) -> web.Response:
        """All names, in their new order."""
        body = await self._api.account_api.body(request, OrderBody)
        changed = await self._api.changed(request, "providers_reordered", "providers", changes.reorder(body.names))
        return rendering.tagged(
            listed_whole(list(providers_of(changed.after.document)), self._now()), changed.after.saved.etag
        )

    async def models(self, request: web.Request) -> web.Response:
        """Those known at one that is in force."""
        found = self._in_force().models(_name(request))
        return listed_whole([rendering.model(one) for one in found], self._now())

    async def test(self, request: web.Request) -> web.Response:
        """Try one that is in force; it costs a few tokens."""
        body = await self._api.account_api.body(request, TestBody)
        return enveloped(rendering.report(await self._in_force().test(_name(request), body.model)), self._now())

    async def add_keys(self, request: web.Request) -> web.Response:
        """201 where some were new, else 200: how many, and the provider's keys."""
        body, name = await self._api.account_api.body(request, KeysBody), _name(request)
        changed = await self._api.changed(request, "provider_keys_added", name, _keys_from(body, name))
        left_out = 0
        if body.text is not None:
            left_out = (await asyncio.to_thread(changes.found_keys, changed.before, name, body.text)).duplicates
        added = len(keys_of(changed.after.document, name)) - len(keys_of(changed.before.document, name))
        told = {"added": added, "left_out": left_out, "keys": self._rendered(changed.after, name)["keys"]}
        status = 201 if added else 200
        return rendering.tagged(enveloped(told, self._now(), status=status), changed.after.saved.etag)

    async def keys(self, request: web.Request) -> web.Response:
        """Those of one provider, and how they stand."""
        return self._keys(await self._read(), _name(request))

    async def change_key(self, request: web.Request) -> web.Response:
        """The provider's keys, one of them changed."""
        body, name, label = await self._api.account_api.body(request, KeyChangeBody), _name(request), _label(request)
        make = changes.change_key(name, label, body.options)
        changed = await self._api.changed(request, "provider_key_changed", f"{name}/{label}", make)
        return self._keys(changed.after, name)

    async def delete_key(self, request: web.Request) -> web.Response:
        """204."""
        name, label = _name(request), _label(request)
        make = changes.delete_key(name, label)
        changed = await self._api.changed(request, "provider_key_deleted", f"{name}/{label}", make)
        return web.Response(status=204, headers={"ETag": changed.after.saved.etag})

    async def _read(self) -> Shown:
        """Raises ConfigError for a file that can't be shown."""
        shown = await self._api.desk.read()
        shown.assert_readable()
        return shown

    def _rendered(self, shown: Shown, name: str) -> dict[str, Any]:
        return rendering.provider(shown.document, name, self._in_force().views().get(name))

    def _told(self, shown: Shown, name: str, *, status: int = 200) -> web.Response:
        return rendering.tagged(enveloped(self._rendered(shown, name), self._now(), status=status), shown.saved.etag)

    def _keys(self, shown: Shown, name: str) -> web.Response:
        return rendering.tagged(listed_whole(self._rendered(shown, name)["keys"], self._now()), shown.saved.etag)


def _keys_from(body: KeysBody, name: str) -> changes.Make:
    if body.key is not None and body.text is None:
        return changes.add_keys(name, [body.key])
    if body.text is not None and body.key is None:
        return changes.import_keys(name, body.text)
    raise InvalidRequest("Send either 'key', one key's options, or 'text', keys to import.", param="key")


def _name(request: web.Request) -> str:
    return request.match_info["name"]


def _label(request: web.Request) -> str:
    """Raises VersionRequired for a name that says no more than a place."""
    label = request.match_info["label"]
    if changes.is_positional(label):
        require_if_match(request)
    return label
