"""The one way in which the running process changes its configuration file: read, change, check, save, take over.

Every change is made to the file as it is at that moment, under its tag: what somebody else saved meanwhile, in an
editor or over HTTP, is never overwritten. What can't be loaded is never saved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from relay.config.saving import Saved, read_saved, save
from relay.config.source import ConfigSource, Loaded
from relay.config.versions import Version, Versions
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting
from relay.core.configuring.authority import assert_may_configure
from relay.core.reload_status import ReloadStatus
from relay.errors import StaleVersion
from relay.model import Principal, Role
from relay.store import users


@dataclass(frozen=True, slots=True)
class Doing:
    """Who changes something, and what the audit log is to say of it."""

    principal: Principal
    client_ip: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class ConfigDesk:
    """One for a process that follows a file."""

    source: ConfigSource
    versions: Versions
    reload: Callable[[], Awaitable[None]]
    status: Callable[[], ReloadStatus]
    accounts: AccountDesk
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Changes of this process stand in a line; those of others are found by the tag."""

    async def read(self) -> Saved:
        """The file as it is. Raises ConfigError."""
        return await asyncio.to_thread(read_saved, self.source.path)

    async def check(self, principal: Principal, make: Callable[[str], str]) -> Loaded:
        """What the change would make of the configuration.

        Raises Forbidden, and ConfigError with everything wrong.
        """
        self._assert_may_configure(principal)
        text = await asyncio.to_thread(make, (await self.read()).text)
        return await asyncio.to_thread(self.source.loaded, text)

    async def history(self) -> tuple[Version, ...]:
        """What was in force, the newest first. Raises SaveError."""
        return await asyncio.to_thread(self.versions.newest_first)

    async def version(self, name: str) -> str:
        """The text of one of them. Raises NoSuch, SaveError."""
        return await asyncio.to_thread(self.versions.text_of, name)

    async def change(self, doing: Doing, make: Callable[[str], str], *, expected_etag: str | None = None) -> Saved:
        """The file behind the change; `make` gives its new text from the old one. It is in force on return.

        Raises StaleVersion where the file is not the expected one, ConfigError where the new text can't be made or
        loaded, Forbidden, SaveError, StoreError. Nothing has changed then.
        """
        self._assert_may_configure(doing.principal)
        async with self.lock:
            before = await self.read()
            if expected_etag not in (None, before.etag):
                raise StaleVersion(before.etag)
            text = await asyncio.to_thread(make, before.text)
            await asyncio.to_thread(self.source.loaded, text)
            if text == before.text:
                return before
            etag = await self._saved(doing, before, text)
            await self.reload()
        return Saved(text, etag)

    async def _saved(self, doing: Doing, before: Saved, text: str) -> str:
        """With its line in the audit log, or not at all."""
        standing = acting(self.accounts, doing.principal, doing.client_ip, least=Role.ADMIN)
        async with standing as (change, principal):
            has_super_admin = await users.has_super_admin(change.connection)
            assert_may_configure(principal, has_super_admin=has_super_admin)
            await change.audited(doing.action, doing.subject, before=before.etag)
            return await asyncio.to_thread(save, self.source.path, text, before.etag)

    def _assert_may_configure(self, principal: Principal) -> None:
        """By what is known here; the store has the last word. Raises Forbidden."""
        assert_may_configure(principal, has_super_admin=self.accounts.directory.has_super_admin)
