"""/api/config: the file as it is, without its secrets; another one in its place; what it was before."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.config import exposure
from relay.config.edit import Set, edited
from relay.config.masked_text import unmasked_text
from relay.config.masking import restored
from relay.core import catalog
from relay.core.configuring.desk import Make
from relay.core.configuring.shown import Shown
from relay.errors import ConfigError, InvalidRequest
from relay.web.accounts.rendering import enveloped, listed_whole, moment
from relay.web.accounts.request import principal_of
from relay.web.admin.bodies import ConfigBody, RollbackBody
from relay.web.admin.rendering import tagged
from relay.web.admin.request import AdminApi, require_if_match
from relay.web.answers import problems


class ConfigHandler:
    """For admins. What is shown is the file, be it in force or not."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self._now = api.account_api.desk.now

    async def show(self, request: web.Request) -> web.Response:
        """The text and the document, masked, and what became of them. Its tag is the ETag."""
        return self._told(await self._api.desk.read())

    async def replace(self, request: web.Request) -> web.Response:
        """Another file in the place of the one that If-Match names."""
        require_if_match(request)
        make = _made_from(await self._api.account_api.body(request, ConfigBody))
        return self._told((await self._api.replaced(request, "config_replaced", "config", make)).after)

    async def check(self, request: web.Request) -> web.Response:
        """What is wrong with a file that is not saved; nothing changes."""
        desk = self._api.desk
        make = _made_from(await self._api.account_api.body(request, ConfigBody))
        try:
            loaded = await desk.check(principal_of(request), make)
        except ConfigError as error:
            return enveloped({"is_good": False, "problems": problems(error.problems), "warnings": []}, self._now())
        warnings = [*exposure.warnings(loaded.config), *catalog.warnings(loaded.config)]
        return enveloped({"is_good": True, "problems": [], "warnings": warnings}, self._now())

    async def history(self, request: web.Request) -> web.Response:
        """The versions that were in force, the newest first."""
        desk = self._api.desk
        kept = await desk.history()
        in_force = desk.status.etag
        told = [
            {"version": one.name, "since": moment(one.since), "etag": one.etag, "is_in_force": one.etag == in_force}
            for one in kept
        ]
        return listed_whole(told, self._now())

    async def version(self, request: web.Request) -> web.Response:
        """One of them, masked."""
        shown = await self._api.desk.version(request.match_info["version"])
        return enveloped({"text": shown.text, "problems": problems(shown.problems)}, self._now())

    async def roll_back(self, request: web.Request) -> web.Response:
        """A version in the file's place; it becomes the newest one."""
        require_if_match(request)
        version = (await self._api.account_api.body(request, RollbackBody)).version
        versions = self._api.desk.versions
        changed = await self._api.replaced(request, "config_rolled_back", version, lambda _: versions.text_of(version))
        return self._told(changed.after)

    def _told(self, shown: Shown) -> web.Response:
        status, etag = self._api.desk.status, shown.saved.etag
        told: dict[str, Any] = {
            "text": shown.text,
            "document": shown.document,
            "etag": etag,
            "is_in_force": etag == status.etag,
            "in_force_since": moment(status.since),
            "problems": problems(status.problems or shown.problems),
            "waiting_for_restart": list(status.waiting),
        }
        return tagged(enveloped(told, self._now()), etag)


def _made_from(body: ConfigBody) -> Make:
    """From what is stored to the text that is wanted. Raises InvalidRequest where neither or both are given."""
    text, document = body.text, body.document
    if (text is None) == (document is None):
        raise InvalidRequest("Send either 'text' or 'document'.", param="text")
    if text is not None:
        wanted = text
        return lambda stored: unmasked_text(wanted, stored.saved.text)
    return lambda stored: edited(stored.saved.text, [Set((), restored(document, stored.values))])
