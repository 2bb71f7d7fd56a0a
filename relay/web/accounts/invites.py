"""/api/invites: for admins."""

from __future__ import annotations

import re
from datetime import timedelta

from aiohttp import web

from relay.core.accounts import inviting
from relay.errors import NoSuch
from relay.web.accounts import rendering
from relay.web.accounts.bodies import InviteBody
from relay.web.accounts.request import AccountApi, paging, principal_of
from relay.web.answers import printable

_ID = re.compile(r"[0-9a-f]{16}")


class InvitesHandler:
    """Lists hold no code; one that is made is told once."""

    def __init__(self, api: AccountApi) -> None:
        self._api = api
        self._desk = api.desk

    async def list(self, request: web.Request) -> web.Response:
        """A page of them, used and expired ones too."""
        page, page_size = paging(request)
        found, total = await inviting.page(self._desk, offset=(page - 1) * page_size, limit=page_size)
        shown = [rendering.invite(invite) for invite in found]
        return rendering.listed(shown, self._desk.now(), page=page, page_size=page_size, total=total)

    async def make(self, request: web.Request) -> web.Response:
        """201 with the code."""
        principal, client_ip = principal_of(request), self._api.client_ip(request)
        body = await self._api.body(request, InviteBody)
        lives = timedelta(seconds=body.expires_in)
        made = await self._api.done(inviting.make(self._desk, principal, body.role, lives, client_ip))
        told = rendering.made_invite(made)
        response = rendering.enveloped(told, self._desk.now(), status=201, message="The code is shown this once.")
        response.headers["Cache-Control"] = "no-store"
        return response

    async def revoke(self, request: web.Request) -> web.Response:
        """204."""
        principal, client_ip, invite_id = principal_of(request), self._api.client_ip(request), _id(request)
        await self._api.done(inviting.revoke(self._desk, principal, invite_id, client_ip))
        return web.Response(status=204)


def _id(request: web.Request) -> str:
    """The id in the path. Raises NoSuch for what is none."""
    text = request.match_info["id"]
    if not _ID.fullmatch(text):
        raise NoSuch("invite", printable(text[:40]))
    return text
