"""API keys of users as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.identity import ApiKey
from relay.model import Limits
from relay.store.changing import KEY, Change
from relay.store.tables import api_keys
from relay.store.users import read_limits, written


@dataclass(frozen=True, slots=True)
class NewKey:
    """What becomes a key."""

    user_id: int
    name: str
    digest: str
    prefix: str
    limits: Limits
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to be different; None: it stays."""

    name: str | None = None
    is_active: bool | None = None
    limits: Limits | None = None


async def add(change: Change, new: NewKey) -> ApiKey:
    """Add one."""
    row = {
        "user_id": new.user_id,
        "name": new.name,
        "digest": new.digest,
        "prefix": new.prefix,
        "limits": written(new.limits),
        "created_at_us": change.act.at,
        "expires_at_us": new.expires_at,
        "is_active": True,
    }
    added = await change.connection.execute(sa.insert(api_keys).values(**row).returning(api_keys))
    await change.touched(KEY, new.digest)
    return key_of(added.one())


async def of_user(connection: AsyncConnection, user_id: int) -> Sequence[ApiKey]:
    """All of one user, in the order of their numbers."""
    wanted = sa.select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.id)
    return [key_of(row) for row in await connection.execute(wanted)]


async def update(change: Change, key_id: int, user_id: int, wanted: KeyChange) -> ApiKey | None:
    """Change a key of this user; None: it has none of this number."""
    values: dict[str, object] = {}
    if wanted.name is not None:
        values["name"] = wanted.name
    if wanted.is_active is not None:
        values["is_active"] = wanted.is_active
    if wanted.limits is not None:
        values["limits"] = written(wanted.limits)
    own = (api_keys.c.id == key_id) & (api_keys.c.user_id == user_id)
    if not values:
        same = (await change.connection.execute(sa.select(api_keys).where(own))).first()
        return None if same is None else key_of(same)
    row = (await change.connection.execute(sa.update(api_keys).where(own).values(**values).returning(api_keys))).first()
    if row is None:
        return None
    await change.touched(KEY, row.digest)
    return key_of(row)


async def delete(change: Change, key_id: int, user_id: int) -> ApiKey | None:
    """Delete a key of this user, and give what it was; None: it has none of this number."""
    own = (api_keys.c.id == key_id) & (api_keys.c.user_id == user_id)
    row = (await change.connection.execute(sa.delete(api_keys).where(own).returning(api_keys))).first()
    if row is None:
        return None
    await change.touched(KEY, row.digest)
    return key_of(row)


async def used(connection: AsyncConnection, moments: Mapping[int, datetime]) -> None:
    """Note when keys were last used."""
    statement = sa.update(api_keys).where(api_keys.c.id == sa.bindparam("key_id"))
    rows = [{"key_id": key_id, "last_used_at_us": moment} for key_id, moment in sorted(moments.items())]
    if rows:
        await connection.execute(statement.values(last_used_at_us=sa.bindparam("last_used_at_us")), rows)


def key_of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    """The value of a row of `api_keys`."""
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        is_active=row.is_active,
        created_at=row.created_at_us,
        expires_at=row.expires_at_us,
        last_used_at=row.last_used_at_us,
        limits=read_limits(row.limits),
    )
