"""/api/config: the file as it is, without its secrets; another one in its place; what it was before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from relay.config import exposure
from relay.config.edit import Set, edited
from relay.config.masked_text import masked_text, unmasked_text
from relay.config.masking import masked, unmasked
from relay.config.saving import Saved
from relay.core import catalog
from relay.core.configuring.desk import ConfigDesk
from relay.errors import ConfigError, InvalidRequest, VersionRequired
from relay.web.accounts.rendering import enveloped, moment
from relay.web.accounts.request import principal_of
from relay.web.admin.bodies import ConfigBody, RollbackBody
from relay.web.admin.rendering import problems, tagged
from relay.web.admin.request import AdminApi, if_match


class ConfigHandler:
    """For admins. What is shown is the file, be it in force or not."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self._now = api.account_api.desk.now

    async def show(self, request: web.Request) -> web.Response:
        """The text and the document, masked, and what became of them. Its tag is the ETag."""
        desk = self._api.desk
        return self._shown(desk, await desk.read())

    async def replace(self, request: web.Request) -> web.Response:
        """Another file in the place of the one that If-Match names."""
        if if_match(request) is None:
            raise VersionRequired
        make = _made_from(await self._api.account_api.body(request, ConfigBody))
        saved = await self._api.changed(request, "config_replaced", "config", make)
        return self._shown(self._api.desk, saved)

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
        in_force = desk.status().etag
        told = [
            {"version": one.name, "since": moment(one.since), "etag": one.etag, "is_in_force": one.etag == in_force}
            for one in kept
        ]
        return enveloped(told, self._now())

    async def version(self, request: web.Request) -> web.Response:
        """One of them, masked."""
        text = await self._api.desk.version(request.match_info["version"])
        return enveloped({"text": masked_text(text)}, self._now())

    async def roll_back(self, request: web.Request) -> web.Response:
        """A version in the file's place; it becomes the newest one."""
        body = await self._api.account_api.body(request, RollbackBody)
        versions = self._api.desk.versions
        saved = await self._api.changed(
            request, "config_rolled_back", body.version, lambda _: versions.text_of(body.version)
        )
        return self._shown(self._api.desk, saved)

    def _shown(self, desk: ConfigDesk, saved: Saved) -> web.Response:
        status = desk.status()
        told: dict[str, Any] = {
            "text": masked_text(saved.text),
            "document": masked(saved.text),
            "etag": saved.etag,
            "is_in_force": saved.etag == status.etag,
            "in_force_since": moment(status.since),
            "problems": problems(status.problems),
            "waiting_for_restart": list(status.waiting),
        }
        return tagged(enveloped(told, self._now()), saved.etag)


def _made_from(body: ConfigBody) -> Callable[[str], str]:
    """From the stored text to the one that is wanted. Raises InvalidRequest where neither or both are given."""
    text, document = body.text, body.document
    if (text is None) == (document is None):
        raise InvalidRequest("Send either 'text' or 'document'.", param="text")
    if text is not None:
        shown = text
        return lambda stored: unmasked_text(shown, stored)
    return lambda stored: edited(stored, [Set((), unmasked(document, stored))])
