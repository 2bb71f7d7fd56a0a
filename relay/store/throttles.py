"""Tries that are counted: passwords, registrations, acts. In the store, so that a restart forgets none."""

from __future__ import annotations

import enum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.identity import NO_WAIT, Tries
from relay.store.tables import throttles
from relay.store.upserting import upsert


class Scope(enum.StrEnum):
    """What is counted by."""

    ACCOUNT = "account"
    ADDRESS = "address"
    REGISTRATION = "register"
    ACT = "act"


async def read(connection: AsyncConnection, scope: Scope, subject: str) -> Tries | None:
    """None: nothing."""
    wanted = sa.select(throttles).where((throttles.c.scope == scope.value) & (throttles.c.subject == subject))
    wanted = wanted.with_for_update()  # SQLite lets only one write anyway.
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else Tries(row.failures, row.since_us, row.until_us)


async def held(connection: AsyncConnection, scope: Scope, subject: str) -> Tries:
    """The same, of nothing as well, and nobody else counts here until the transaction ends.

    A row that is not there can't be locked, so it is made: two who come first at once are two.
    """
    row = {"scope": scope.value, "subject": subject, "failures": 0, "since_us": NO_WAIT, "until_us": NO_WAIT}
    await connection.execute(upsert(connection, throttles).values(**row).on_conflict_do_nothing())
    return await read(connection, scope, subject) or Tries(0, NO_WAIT, NO_WAIT)


async def write(connection: AsyncConnection, scope: Scope, subject: str, tries: Tries) -> None:
    """Put it in place of what was there."""
    row = {"failures": tries.count, "since_us": tries.since, "until_us": tries.until}
    insert = upsert(connection, throttles).values(scope=scope.value, subject=subject, **row)
    await connection.execute(insert.on_conflict_do_update(index_elements=["scope", "subject"], set_=row))


async def clear(connection: AsyncConnection, scope: Scope, subject: str) -> None:
    """Forget."""
    here = (throttles.c.scope == scope.value) & (throttles.c.subject == subject)
    await connection.execute(sa.delete(throttles).where(here))
