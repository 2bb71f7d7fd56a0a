"""What handlers of the configuration ask of a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from relay.config.saving import Saved
from relay.core.configuring.desk import ConfigDesk, Doing
from relay.errors import Conflict
from relay.web.accounts.request import AccountApi, principal_of

MAX_BYTES = 8 * 1024 * 1024
"""A configuration may have 4 MiB, and grows by the backslashes of JSON."""


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

    async def changed(self, request: web.Request, action: str, subject: str, make: Callable[[str], str]) -> Saved:
        """Carry out a change, whatever becomes of the client. An If-Match is held to where one is sent."""
        doing = Doing(principal_of(request), self.account_api.client_ip(request), action, subject)
        return await self.account_api.done(self.desk.change(doing, make, expected_etag=if_match(request)))


def if_match(request: web.Request) -> str | None:
    """The tag that the client has read; None where it sends none, or any will do (RFC 9110, 13.1.1)."""
    tag = request.headers.get("If-Match", "").strip()
    return None if tag in ("", "*") else tag.removeprefix("W/")
