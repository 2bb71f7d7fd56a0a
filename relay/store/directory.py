"""What the hot path knows of accounts, read whole at the start and by what has changed afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.identity import ApiKey, Session, User
from relay.store.api_keys import key_of
from relay.store.changing import KEY, SESSION, USER
from relay.store.tables import api_keys, changes, sessions, store_version, users
from relay.store.users import user_of

MAX_REFS = 5000
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Known:
    """Users by number, sessions by id, keys by digest; None: gone."""

    version: int
    users: Mapping[int, User | None]
    sessions: Mapping[str, Session | None]
    keys: Mapping[str, ApiKey | None]


async def version_of(connection: AsyncConnection) -> int:
    """The number that every change counts up."""
    version: int = (await connection.execute(sa.select(store_version.c.version))).scalar_one()
    return version


async def everything(connection: AsyncConnection, now: datetime) -> Known:
    """All that can be used."""
    version = await version_of(connection)
    all_users = [user_of(row) for row in await connection.execute(sa.select(users))]
    all_keys = [key_of(row) for row in await connection.execute(sa.select(api_keys))]
    living = sessions.c.ended_at_us.is_(None) & (sessions.c.expires_at_us > now)
    all_sessions = [_session_of(row) for row in await connection.execute(sa.select(sessions).where(living))]
    return Known(
        version,
        {user.id: user for user in all_users},
        {session.id: session for session in all_sessions},
        {key.digest: key for key in all_keys},
    )


async def since(connection: AsyncConnection, version: int) -> Known:
    """What has changed after a version, as it is now."""
    newest = await version_of(connection)
    refs: dict[str, set[str]] = {USER: set(), SESSION: set(), KEY: set()}
    for row in await connection.execute(sa.select(changes.c.kind, changes.c.ref).where(changes.c.version > version)):
        refs[row.kind].add(row.ref)
    user_ids = [int(ref) for ref in refs[USER]]
    found_users: dict[int, User] = {}
    found_sessions: dict[str, Session] = {}
    found_keys: dict[str, ApiKey] = {}
    for some in batched(user_ids):
        rows = await connection.execute(sa.select(users).where(users.c.id.in_(some)))
        found_users |= {row.id: user_of(row) for row in rows}
    for some_ids in batched(list(refs[SESSION])):
        living = sessions.c.id.in_(some_ids) & sessions.c.ended_at_us.is_(None)
        found_sessions |= {
            row.id: _session_of(row) for row in await connection.execute(sa.select(sessions).where(living))
        }
    for some_digests in batched(list(refs[KEY])):  # A deleted user's keys are not touched: they are useless anyway.
        rows = await connection.execute(sa.select(api_keys).where(api_keys.c.digest.in_(some_digests)))
        found_keys |= {row.digest: key_of(row) for row in rows}
    return Known(
        newest,
        dict.fromkeys(user_ids) | found_users,
        dict.fromkeys(refs[SESSION]) | found_sessions,
        dict.fromkeys(refs[KEY]) | found_keys,
    )


def batched(refs: Sequence[R]) -> Iterator[Sequence[R]]:
    """As many as a statement may have parameters, with room to spare."""
    for start in range(0, len(refs), MAX_REFS):
        yield refs[start : start + MAX_REFS]


async def forget_changes(connection: AsyncConnection, before: datetime) -> None:
    """Delete what everybody has long followed."""
    await connection.execute(sa.delete(changes).where(changes.c.at_us < before))


def _session_of(row: sa.Row[tuple[object, ...]]) -> Session:
    return Session(row.id, row.user_id, row.expires_at_us)
