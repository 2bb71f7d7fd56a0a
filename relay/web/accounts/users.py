"""/api/users: for admins."""

from __future__ import annotations

from aiohttp import web

from relay.core.accounts import governing
from relay.core.accounts.governing import Adding
from relay.store.users import UserChange
from relay.web.accounts import rendering
from relay.web.accounts.bodies import UserBody, UserChangeBody
from relay.web.accounts.request import AccountApi, number, paging, principal_of


class UsersHandler:
    """What admins do with others."""

    def __init__(self, api: AccountApi) -> None:
        self._api = api
        self._desk = api.desk

    async def list(self, request: web.Request) -> web.Response:
        """A page of users."""
        page, page_size = paging(request)
        found, total = await governing.page(self._desk, offset=(page - 1) * page_size, limit=page_size)
        shown = [rendering.governed(user) for user in found]
        return rendering.listed(shown, self._desk.now(), page=page, page_size=page_size, total=total)

    async def add(self, request: web.Request) -> web.Response:
        """201."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, UserBody)
        limits = None if body.limits is None else body.limits.value()
        asked = Adding(body.username, body.email, body.password, body.role, body.is_active, limits)
        user = await self._api.done(governing.add(self._desk, principal, asked, client_ip))
        return rendering.enveloped(rendering.governed(user), self._desk.now(), status=201)

    async def change(self, request: web.Request) -> web.Response:
        """The user, changed."""
        principal, client_ip, user_id = principal_of(request), self._api.client_ip(request), number(request, "user")
        body = await self._api.body(request, UserChangeBody)
        limits = None if body.limits is None else body.limits.value()
        wanted = UserChange(body.role, body.is_active, body.email, limits)
        user = await self._api.done(governing.change_user(self._desk, principal, user_id, wanted, client_ip))
        return rendering.enveloped(rendering.governed(user), self._desk.now())

    async def delete(self, request: web.Request) -> web.Response:
        """204."""
        principal, client_ip, user_id = principal_of(request), self._api.client_ip(request), number(request, "user")
        await self._api.done(governing.delete(self._desk, principal, user_id, client_ip))
        return web.Response(status=204)
