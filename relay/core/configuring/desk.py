"""The one way in which the running process changes its configuration file: read, change, check, note, save, take over.

Every change is made to the file as it is at that moment, under its tag: what somebody else saved meanwhile, in an
editor or over HTTP, is never overwritten. What would not be taken over is never saved. The line in the audit log comes
before the save, so that none is missing; a save that fails leaves a second one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from relay.config.saving import Saved, etag_of, read_saved, save
from relay.config.schema import Config
from relay.config.source import ConfigSource, Loaded
from relay.config.versions import Version, Versions
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting
from relay.core.configuring.authority import assert_may_configure
from relay.core.configuring.shown import Display, Shown, refuse_large, shown_of
from relay.core.reload_status import ReloadStatus
from relay.errors import ConfigError, SaveError, StaleVersion, StoreError
from relay.identity import Act
from relay.model import Principal, Role
from relay.store import users
from relay.store.changing import changing

Make: TypeAlias = Callable[[Shown], str]
"""The text that is wanted, from what is there. Is called in a thread."""

log = logging.getLogger(__name__)


class Follower(Protocol):
    """What keeps the process on its file."""

    status: ReloadStatus

    def checked(self, loaded: Loaded) -> Config:
        """What would be in force. Raises ConfigError for what it would not take over."""

    async def reload(self) -> None:
        """Take the file over, or say in `status` why not."""


@dataclass(frozen=True, slots=True)
class Doing:
    """Who changes something, and what the audit log is to say of it."""

    principal: Principal
    client_ip: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The file before and behind a change."""

    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class ConfigDesk:
    """One for a process that follows a file."""

    source: ConfigSource
    versions: Versions
    follower: Follower
    accounts: AccountDesk
    display: Display = field(default_factory=Display)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Changes and checks of this process stand in a line, since each may take seconds; changes of others are found by
    the tag."""

    @property
    def status(self) -> ReloadStatus:
        """What became of the file."""
        return self.follower.status

    async def read(self) -> Shown:
        """The file as it is. Raises ConfigError where there is none, or no text."""
        return await self.display.of(await asyncio.to_thread(read_saved, self.source.path))

    async def history(self) -> tuple[Version, ...]:
        """What was in force, the newest first. Raises SaveError."""
        return await asyncio.to_thread(self.versions.newest_first)

    async def version(self, name: str) -> Shown:
        """One of them. Raises NoSuch, SaveError."""
        return await asyncio.to_thread(self._version, name)

    async def check(self, principal: Principal, make: Make) -> Loaded:
        """What another file would make of the configuration.

        Raises Forbidden, and ConfigError with everything wrong.
        """
        self._assert_may_configure(principal)
        async with self.lock:
            return await self._made(make, await self._base(await self.read()))

    async def change(self, doing: Doing, make: Make, *, expected: Collection[str] | None = None) -> Changed:
        """The file behind a change of what it says. It is in force on return.

        Raises StaleVersion where the file has none of the expected tags, ConfigError where the new text can't be made
        or would not be taken over, Forbidden, StoreError, SaveError: nothing has changed then. Raises ConfigError as
        well where the file is saved and, after all, not taken over.
        """
        self._assert_may_configure(doing.principal)
        async with self.lock:
            before = await self._expected(expected)
            before.assert_readable()
            return await self._changed(doing, before, await self._made(make, before))

    async def replace(self, doing: Doing, make: Make, *, expected: Collection[str] | None = None) -> Changed:
        """The same with a whole new file, whatever is there; for an unreadable one `make` gets the last good one."""
        self._assert_may_configure(doing.principal)
        async with self.lock:
            before = await self._expected(expected)
            return await self._changed(doing, before, await self._made(make, await self._base(before)))

    async def _expected(self, expected: Collection[str] | None) -> Shown:
        found = await self.read()
        if expected is not None and found.saved.etag not in expected:
            raise StaleVersion(found.saved.etag)
        return found

    async def _base(self, found: Shown) -> Shown:
        """Where masks have their secrets from."""
        if not found.problems:
            return found
        newest = next(iter(await self.history()), None)
        return Shown(Saved("", etag_of(b"")), {}, "", {}) if newest is None else await self.version(newest.name)

    def _version(self, name: str) -> Shown:
        text = self.versions.text_of(name)
        return shown_of(Saved(text, etag_of(text.encode())))

    async def _made(self, make: Make, base: Shown) -> Loaded:
        loaded = await asyncio.to_thread(self._loaded, make, base)
        self.follower.checked(loaded)
        return loaded

    def _loaded(self, make: Make, base: Shown) -> Loaded:
        text = make(base)
        refuse_large(text)
        return self.source.loaded(text)

    async def _changed(self, doing: Doing, before: Shown, wanted: Loaded) -> Changed:
        if wanted.etag == before.saved.etag:
            return Changed(before, before)
        await self._note(doing, before.saved.etag, wanted.etag)
        try:
            await asyncio.to_thread(save, self.source.path, wanted.text, before.saved.etag)
        except (SaveError, StaleVersion, ConfigError) as error:
            await self._note_failure(doing, wanted.etag, str(error))
            raise
        await self.follower.reload()
        if self.status.etag != wanted.etag and self.status.problems:
            raise ConfigError(self.status.problems)
        return Changed(before, await self.display.of(Saved(wanted.text, wanted.etag)))

    async def _note(self, doing: Doing, before: str, after: str) -> None:
        """The line in the audit log, by the rights of this moment. Raises Forbidden, StoreError."""
        standing = acting(self.accounts, doing.principal, doing.client_ip, least=Role.ADMIN)
        async with standing as (change, principal):
            has_super_admin = await users.has_super_admin(change.connection)
            assert_may_configure(principal, has_super_admin=has_super_admin)
            await change.audited(doing.action, doing.subject, before=before, after=after)

    async def _note_failure(self, doing: Doing, after: str, reason: str) -> None:
        """That it came to nothing; a store that fails as well leaves the first line alone."""
        act = Act(doing.principal.name, doing.client_ip, self.accounts.now())
        try:
            async with changing(self.accounts.engine, act) as change:
                await change.audited(f"{doing.action}_failed", doing.subject, after=after, reason=reason)
        except StoreError as error:
            log.warning("the audit log does not say that %s of %s failed: %s", doing.action, doing.subject, error)

    def _assert_may_configure(self, principal: Principal) -> None:
        """By what is known here; the store has the last word. Raises Forbidden."""
        assert_may_configure(principal, has_super_admin=self.accounts.directory.has_super_admin)
