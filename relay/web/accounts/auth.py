"""/api/auth: register, log in, refresh, log out, and what one changes about oneself."""

from __future__ import annotations

from aiohttp import web

from relay.core.accounts import logging_in, profile, registering
from relay.core.accounts import tokens as issuing
from relay.core.accounts.logging_in import LoggingIn
from relay.core.accounts.registering import Registering
from relay.core.accounts.standing import own_user
from relay.core.credentials import digest_of
from relay.web.accounts import rendering
from relay.web.accounts.bodies import LoginBody, LogoutBody, MeBody, PasswordBody, RefreshBody, RegisterBody
from relay.web.accounts.request import AccountApi, principal_of, user_agent
from relay.web.answers import document
from relay.web.exchange import EXCHANGE


class AuthHandler:
    """See spec in docs/accounts.md."""

    def __init__(self, api: AccountApi) -> None:
        self._api = api
        self._desk = api.desk

    async def register(self, request: web.Request) -> web.Response:
        """201 with tokens, or 201 `pending` where an admin must approve."""
        body = await self._api.body(request, RegisterBody)
        asked = Registering(
            body.username, body.email, body.password, body.invite, body.setup_token, user_agent(request)
        )
        principal, client_ip = request[EXCHANGE].principal, self._api.client_ip(request)
        user, answer = await self._api.done(registering.register(self._desk, asked, principal, client_ip))
        if answer is None:
            return document({"user": rendering.user(user), "status": "pending"}, status=201)
        return rendering.tokens(answer, status=201)

    async def log_in(self, request: web.Request) -> web.Response:
        """200 with tokens."""
        body = await self._api.body(request, LoginBody)
        asked = LoggingIn(body.username, body.password, user_agent(request))
        return rendering.tokens(
            await self._api.done(logging_in.log_in(self._desk, asked, self._api.client_ip(request)))
        )

    async def refresh(self, request: web.Request) -> web.Response:
        """200 with tokens."""
        body = await self._api.body(request, RefreshBody)
        client_ip = self._api.client_ip(request)
        return rendering.tokens(await self._api.done(issuing.refresh(self._desk, body.refresh_token, client_ip)))

    async def log_out(self, request: web.Request) -> web.Response:
        """204; `?all=true` ends every session."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, LogoutBody)
        if request.query.get("all", "").lower() == "true":
            await self._api.done(logging_in.log_out_everywhere(self._desk, principal, client_ip=client_ip))
            return web.Response(status=204)
        digest = None if body.refresh_token is None else digest_of(body.refresh_token)
        await self._api.done(logging_in.log_out(self._desk, principal, digest, client_ip=client_ip))
        return web.Response(status=204)

    async def me(self, request: web.Request) -> web.Response:
        """Who the credential stands for."""
        principal = principal_of(request)
        if principal.user_id is None:
            return document(rendering.operator(principal))
        return document(rendering.user(own_user(self._desk, principal)))

    async def change_me(self, request: web.Request) -> web.Response:
        """The user, changed."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, MeBody)
        if body.email is None:
            return document(rendering.user(own_user(self._desk, principal)))
        user = await self._api.done(profile.change_email(self._desk, principal, body.email, client_ip))
        return document(rendering.user(user))

    async def change_password(self, request: web.Request) -> web.Response:
        """204; every other session ends."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, PasswordBody)
        old, new = body.old_password, body.new_password
        await self._api.done(profile.change_password(self._desk, principal, old, new, client_ip))
        return web.Response(status=204)
