"""Invites as rows: each code makes one account."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from relay.model import Role
from relay.store.changing import Change
from relay.store.tables import invites


async def add(change: Change, digest: str, role: Role, expires_at: datetime) -> None:
    """Add one."""
    row = {"digest": digest, "role": role.value, "created_at_us": change.act.at, "expires_at_us": expires_at}
    await change.connection.execute(sa.insert(invites).values(**row))


async def use(change: Change, digest: str) -> Role | None:
    """Use one up, and give the role that it carries; None: unknown, used or expired. One statement: of two, one."""
    usable = (invites.c.digest == digest) & invites.c.used_at_us.is_(None) & (invites.c.expires_at_us > change.act.at)
    statement = sa.update(invites).where(usable).values(used_at_us=change.act.at).returning(invites.c.role)
    role = (await change.connection.execute(statement)).scalar_one_or_none()
    return None if role is None else Role(role)
