"""Accounts in memory: whom a token or a key stands for, without a database on the way of a call.

A change that is made here is followed before it is answered; one that another process makes, within POLL_S.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TypeVar

from relay.core.tokens import AccessToken
from relay.errors import StoreError
from relay.identity import ApiKey, Session, User
from relay.model import Principal, Role
from relay.store import api_keys
from relay.store import directory as stored
from relay.store.changing import reading, writing
from relay.store.database import Engine
from relay.store.tidying import CHANGES_KEPT, tidy

POLL_S = 0.5
LOOKS_APART_S = 0.1
"""Strings that nobody knows make no more looks than this allows, however many they are; they wait for the next."""
TIDIED_S = 600.0

log = logging.getLogger(__name__)


class Directory:
    """Users, sessions and keys as the store had them at `version`."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        clock_s: Callable[[], float] = time.monotonic,
        *,
        stale: timedelta = timedelta(minutes=10),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._now = now
        self._followed_at = now()
        self._following = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._clock_s = clock_s
        self._sleep = sleep
        self._stale_s = stale.total_seconds()
        self._known_s = -math.inf
        """When all of this was true."""
        self._looked_s = -math.inf
        self._users: dict[int, User] = {}
        self._sessions: dict[str, Session] = {}
        self._keys: dict[str, ApiKey] = {}
        self._principals: dict[int, Principal] = {}
        self._uses: dict[int, datetime] = {}
        self.version = -1

    def of_token(self, token: AccessToken) -> Principal | None:
        """Whom a token that is valid in itself stands for; None: its session has ended, or its user may not."""
        session = self._sessions.get(token.session_id)
        if session is None or session.user_id != token.user_id or not self.is_fresh:
            return None
        return self._principals.get(token.user_id)

    def of_key(self, digest: str, now: datetime) -> tuple[ApiKey, Principal] | None:
        """A key that may be used at this moment, and whom it stands for; None: there is no such key."""
        key = self._keys.get(digest)
        if key is None or not key.is_active or (key.expires_at is not None and key.expires_at <= now):
            return None
        if not self.is_fresh:
            return None
        principal = self._principals.get(key.user_id)
        return None if principal is None else (key, principal)

    def used(self, key: ApiKey, at: datetime) -> None:
        """Note a use; it is stored with the next look at the store."""
        self._uses[key.id] = at

    def user(self, user_id: int) -> User | None:
        """A user of this number, active or not."""
        return self._users.get(user_id)

    @property
    def has_anybody(self) -> bool:
        """Whether there is a user who could log in."""
        return bool(self._principals)

    @property
    def has_super_admin(self) -> bool:
        """Whether there is one who could log in."""
        return any(principal.role is Role.SUPER_ADMIN for principal in self._principals.values())

    @property
    def is_fresh(self) -> bool:
        """Whether what is known here may still be believed: what was revoked elsewhere is not heard of for ever."""
        return self.unknown_for_s <= self._stale_s

    @property
    def unknown_for_s(self) -> float:
        """How long the store could not be read; little more than a moment while it can."""
        return self._clock_s() - self._known_s

    def assert_fresh(self) -> None:
        """Raises StoreError where it may not."""
        if not self.is_fresh:
            raise StoreError(f"accounts could not be followed for {self._stale_s:g} s (auth.stale_ttl)")

    async def catch_up(self) -> None:
        """Follow what has changed up to now. Raises StoreError."""
        began_s = self._clock_s()
        async with self._following, reading(self._engine) as connection:
            if self.version >= 0 and self._now() - self._followed_at < CHANGES_KEPT / 2:
                known = await stored.since(connection, self.version)
            else:
                known = await stored.everything(connection, self._now())
                for held in (self._users, self._sessions, self._keys, self._principals):
                    held.clear()
            self._take(known)
        self._known_s = max(self._known_s, began_s)

    def _take(self, known: stored.Known) -> None:
        _merge(self._users, known.users)
        _merge(self._sessions, known.sessions)
        _merge(self._keys, known.keys)
        for user_id, user in known.users.items():
            self._principals.pop(user_id, None)
            if user is not None and user.is_active:
                self._principals[user_id] = Principal(user.username, user.role, user_id, (user.limits,))
        gone = {user_id for user_id, user in known.users.items() if user is None}
        if gone:  # What was theirs went with them, without a word of each.
            self._sessions = {key: session for key, session in self._sessions.items() if session.user_id not in gone}
            self._keys = {digest: key for digest, key in self._keys.items() if key.user_id not in gone}
        self.version = known.version
        self._followed_at = self._now()

    @asynccontextmanager
    async def following(
        self, *, poll_s: float = POLL_S, on_fault: Callable[[], None] = lambda: None
    ) -> AsyncIterator[None]:
        """Read everything, then follow until left.

        `on_fault` is called should that end by a fault of ours, which is raised on leaving: what other processes revoke
        is not heard of any more.
        """
        await self.catch_up()
        task = asyncio.create_task(self._follow_for_ever(poll_s), name="directory")
        task.add_done_callback(lambda over: _tell_of_a_fault(over, on_fault))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            with suppress(StoreError):
                await self._store_uses()

    async def _follow_for_ever(self, poll_s: float) -> None:
        tidied_s = self._clock_s()
        while True:
            await asyncio.sleep(poll_s)
            try:
                await self.look()
                if self._clock_s() - tidied_s > TIDIED_S:
                    tidied_s = self._clock_s()
                    await self.tidy()
            except StoreError as error:
                log.warning("accounts can't be followed: %s", error)

    async def tidy(self) -> None:
        """Forget what has expired, in the store and here. Raises StoreError."""
        now = self._now()
        await tidy(self._engine, now)
        for session in [session for session in self._sessions.values() if session.expires_at < now]:
            del self._sessions[session.id]

    async def look_soon(self) -> bool:
        """Wait for a look that begins from now on, and share it with all who came before it; whether it told news."""
        before, came_s = self.version, self._clock_s()
        async with self._looking:
            if self._looked_s <= came_s:
                await self._sleep(max(0.0, self._looked_s + LOOKS_APART_S - came_s))
                self._looked_s = self._clock_s()
                try:
                    await self.look()
                except StoreError as error:
                    log.warning("accounts can't be followed: %s", error)
        return self.version != before

    async def look(self) -> None:
        """Follow, if there is something to follow, and store when keys were used. Raises StoreError."""
        began_s = self._clock_s()
        async with reading(self._engine) as connection:
            version = await stored.version_of(connection)
        if version != self.version:
            await self.catch_up()
        self._followed_at = self._now()
        self._known_s = max(self._known_s, began_s)
        await self._store_uses()

    async def _store_uses(self) -> None:
        if self._uses:
            uses, self._uses = self._uses, {}
            is_stored = False
            try:
                async with writing(self._engine) as connection:
                    await api_keys.used(connection, uses)
                is_stored = True
            finally:  # Cut off by the end of the process, they are stored by the last try.
                if not is_stored:
                    self._uses = {**uses, **self._uses}


def _tell_of_a_fault(task: asyncio.Task[None], on_fault: Callable[[], None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.critical("accounts are followed no more: the process ends", exc_info=fault)
        on_fault()


K = TypeVar("K")
V = TypeVar("V")


def _merge(into: dict[K, V], known: Mapping[K, V | None]) -> None:
    for key, value in known.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
