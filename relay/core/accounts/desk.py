"""What all acts on accounts need."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypedDict, TypeVar

from relay.config.schema import Config
from relay.config.server import ACCESS_KEY_NAME
from relay.core.directory import Directory
from relay.core.passwords import PasswordHasher
from relay.core.tokens import TokenSigner
from relay.errors import Conflict
from relay.model import Limits, Role
from relay.store.database import Engine

T = TypeVar("T")


class Finishing:
    """Work that goes on to its end though whoever asked for it leaves: half an act is worse than an unseen answer."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result; cancelling this does not cancel the work."""
        task = asyncio.create_task(work, name="account")
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, should nobody wait for it any more.

    async def over(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class SetUpToken:
    """Lets whoever saw this process start make the first super admin."""

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(24)

    def is_right(self, presented: str) -> bool:
        """In constant time."""
        return hmac.compare_digest(self.text.encode(), presented.encode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens live."""

    access: timedelta
    refresh: timedelta


class Settings(TypedDict):
    """What a configuration says of accounts; effective at once when it changes."""

    lifetimes: Lifetimes
    registration: str
    default_limits: Limits
    reserved_names: frozenset[str]


def settings_of(config: Config) -> Settings:
    """Those of a configuration."""
    auth = config.auth
    names = ("cli", ACCESS_KEY_NAME, *(key.name for key in config.server.access_keys))
    return Settings(
        lifetimes=Lifetimes(timedelta(seconds=auth.access_token_ttl_s), timedelta(seconds=auth.refresh_token_ttl_s)),
        registration=auth.registration,
        default_limits=Limits(auth.default_limits.models, auth.default_limits.endpoints),
        reserved_names=frozenset(name.casefold() for name in names),
    )


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """One for a process."""

    engine: Engine
    directory: Directory
    hasher: PasswordHasher
    signer: TokenSigner
    successor_keys: Sequence[bytes]
    """From a refresh token to its successor; see `tokens`. The first is in use, the others were before."""
    private_key: bytes
    """Under which digests are made of what people may have typed by mistake."""
    lifetimes: Lifetimes
    registration: str
    """`auth.registration`."""
    default_limits: Limits
    """Of new users with the role `user`."""
    now: Callable[[], datetime]
    reserved_names: frozenset[str] = frozenset()
    """Case-folded: those under which others are known in records and in the audit log."""
    set_up: SetUpToken = field(default_factory=SetUpToken)
    finishing: Finishing = field(default_factory=Finishing)

    def under(self, config: Config) -> AccountDesk:
        """The same desk, with what another configuration says of new users and of tokens."""
        return replace(self, **settings_of(config))

    def limits_of_new(self, role: Role) -> Limits:
        """What somebody new may use: admins are trusted with everything."""
        return self.default_limits if role is Role.USER else Limits()

    def assert_free(self, username: str) -> None:
        """Raises Conflict for a name that would be taken for somebody else's."""
        if username.casefold() in self.reserved_names:
            raise Conflict("This name is taken.", param="username", code="taken")
