"""Invites as rows: each code makes one account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from relay.identity import Invite
from relay.model import Role
from relay.store import users
from relay.store.changing import Change
from relay.store.database import Transaction
from relay.store.tables import invites

ID_CHARACTERS = 16
"""Of the digest: 64 bits tell the invites of one store apart, and nobody makes a code from them."""


async def add(change: Change, digest: str, role: Role, expires_at: datetime, created_by: int | None) -> Invite:
    """Add one; `created_by` is a user's number, None the operator."""
    row = {
        "digest": digest,
        "role": role.value,
        "created_at_us": change.act.at,
        "created_by": created_by,
        "expires_at_us": expires_at,
    }
    added = await change.connection.execute(sa.insert(invites).values(**row).returning(invites))
    return _invite_of(added.one())


async def get(transaction: Transaction, invite_id: str) -> Invite | None:
    """One; None: there is none of this id."""
    row = (await transaction.execute(sa.select(invites).where(_has_id(invite_id)))).one_or_none()
    return None if row is None else _invite_of(row)


async def page(transaction: Transaction, *, offset: int, limit: int) -> tuple[Sequence[Invite], int]:
    """Some of them, the newest first, and how many there are."""
    total = (await transaction.execute(sa.select(sa.func.count()).select_from(invites))).scalar_one()
    newest_first = sa.select(invites).order_by(invites.c.created_at_us.desc(), invites.c.digest)
    return [_invite_of(row) for row in await transaction.execute(newest_first.offset(offset).limit(limit))], total


async def delete(change: Change, invite_id: str) -> None:
    """Delete one."""
    await change.connection.execute(sa.delete(invites).where(_has_id(invite_id)))


def _has_id(invite_id: str) -> sa.ColumnElement[bool]:
    return sa.func.substr(invites.c.digest, 1, ID_CHARACTERS) == invite_id


def _invite_of(row: Any) -> Invite:
    return Invite(
        id=row.digest[:ID_CHARACTERS],
        role=Role(row.role),
        created_at=row.created_at_us,
        created_by=row.created_by,
        expires_at=row.expires_at_us,
        used_at=row.used_at_us,
    )


async def is_usable(transaction: Transaction, digest: str, now: datetime) -> bool:
    """Whether a code may still be used at this moment."""
    return (await transaction.execute(sa.select(invites.c.role).where(_usable(digest, now)))).first() is not None


def _usable(digest: str, now: datetime) -> sa.ColumnElement[bool]:
    return (invites.c.digest == digest) & invites.c.used_at_us.is_(None) & (invites.c.expires_at_us > now)


async def use(change: Change, digest: str) -> Role | None:
    """Use one up, and give the role that it carries; None: unknown, used, expired, or its maker's no more."""
    using = sa.update(invites).where(_usable(digest, change.act.at)).values(used_at_us=change.act.at)
    row = (await change.connection.execute(using.returning(invites.c.role, invites.c.created_by))).one_or_none()
    if row is None or not await _may_still_invite(change, row.created_by, Role(row.role)):
        return None
    return Role(row.role)


async def _may_still_invite(change: Change, created_by: int | None, role: Role) -> bool:
    """Who has lost the power to appoint somebody has lost it for the invites that are out as well."""
    if created_by is None:
        return True
    maker = await users.get(change.connection, created_by)
    least = Role.ADMIN if role is Role.USER else Role.SUPER_ADMIN
    return maker is not None and maker.is_active and maker.role >= least
