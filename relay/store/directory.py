"""What the hot path knows of accounts, read whole at the start and by what has changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.identity import ApiKey, Session, User
from relay.store.api_keys import key_of
from relay.store.changing import KEY, SESSION, USER
from relay.store.tables import api_keys, changes, sessions, store_version, users
from relay.store.users import user_of


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
    found_users = sa.select(users).where(users.c.id.in_(user_ids))
    found_sessions = sa.select(sessions).where(sessions.c.id.in_(refs[SESSION]) & sessions.c.ended_at_us.is_(None))
    # A deleted user takes keys along, which nobody has touched: they are useless without the user.
    found_keys = sa.select(api_keys).where(api_keys.c.digest.in_(refs[KEY]))
    return Known(
        newest,
        dict.fromkeys(user_ids) | {row.id: user_of(row) for row in await connection.execute(found_users)},
        dict.fromkeys(refs[SESSION]) | {row.id: _session_of(row) for row in await connection.execute(found_sessions)},
        dict.fromkeys(refs[KEY]) | {row.digest: key_of(row) for row in await connection.execute(found_keys)},
    )


async def forget_changes(connection: AsyncConnection, before: datetime) -> None:
    """Delete what everybody has long followed."""
    await connection.execute(sa.delete(changes).where(changes.c.at_us < before))


def _session_of(row: sa.Row[tuple[object, ...]]) -> Session:
    return Session(row.id, row.user_id, row.expires_at_us)
