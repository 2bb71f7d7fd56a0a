"""What handlers of the configuration ask of a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from relay.core.configuring.desk import Changed, ConfigDesk, Doing, Make
from relay.core.configuring.shown import MAX_TEXT_BYTES
from relay.errors import Conflict, VersionRequired
from relay.web.accounts.request import AccountApi, principal_of

MAX_BYTES = 3 * MAX_TEXT_BYTES
"""A configuration grows by the backslashes of JSON."""
_TAG = re.compile(r'\s*(W/)?("[^"]*")\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class AdminApi:
    """What all of them share."""

    account_api: AccountApi
    """With the bounds of these bodies."""
    config_desk: Callable[[], ConfigDesk | None]
    """None while the process follows no file."""

    @property
    def desk(self) -> ConfigDesk:
        """Raises Conflict where there is no file to change."""
        desk = self.config_desk()
        if desk is None:
            raise Conflict("This process follows no configuration file.", code="no_config_file")
        return desk

    async def changed(self, request: web.Request, action: str, subject: str, make: Make) -> Changed:
        """Carry out a change, whatever becomes of the client. An If-Match is held to where one is sent."""
        act = self.desk.change(self._doing(request, action, subject), make, expected=if_match(request))
        return await self.account_api.done(act)

    async def replaced(self, request: web.Request, action: str, subject: str, make: Make) -> Changed:
        """The same with a whole new file, in the place of the one that If-Match must name."""
        require_if_match(request)
        act = self.desk.replace(self._doing(request, action, subject), make, expected=if_match(request))
        return await self.account_api.done(act)

    def _doing(self, request: web.Request, action: str, subject: str) -> Doing:
        return Doing(principal_of(request), self.account_api.client_ip(request), action, subject)


def require_if_match(request: web.Request) -> None:
    """Raises VersionRequired."""
    if if_match(request) is None:
        raise VersionRequired


def if_match(request: web.Request) -> frozenset[str] | None:
    """The tags that the client has read; None where it sends none, or any will do (RFC 9110, 13.1.1).

    Weak tags match nothing, and neither does what is no list of tags.
    """
    sent = ", ".join(request.headers.getall("If-Match", [])).strip()
    if sent in ("", "*"):
        return None
    found, end = [], 0
    while tag := _TAG.match(sent, end):
        found += [] if tag[1] else [tag[2]]
        end = tag.end()
    return frozenset(found if end == len(sent) else ())
