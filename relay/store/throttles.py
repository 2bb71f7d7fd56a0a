"""Failed log-ins, counted by account and by address, and registrations, so that a restart forgets none."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.tables import throttles


class Scope(enum.StrEnum):
    """What is counted by."""

    ACCOUNT = "account"
    ADDRESS = "address"
    REGISTRATION = "register"


@dataclass(frozen=True, slots=True)
class Failures:
    """What is on record."""

    count: int
    since: datetime
    """Of the first one that still counts."""
    until: datetime
    """Before this moment no further try is looked at."""


async def read(connection: AsyncConnection, scope: Scope, subject: str) -> Failures | None:
    """None: nothing."""
    wanted = sa.select(throttles).where((throttles.c.scope == scope.value) & (throttles.c.subject == subject))
    wanted = wanted.with_for_update()  # SQLite lets only one write anyway.
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else Failures(row.failures, row.since_us, row.until_us)


async def held(connection: AsyncConnection, scope: Scope, subject: str, now: datetime) -> Failures:
    """The same, of nothing as well, and nobody else counts here until the transaction ends.

    A row that is not there can't be locked, so it is made: two who come first at once are two.
    """
    nothing = _insert(connection).values(scope=scope.value, subject=subject, failures=0, since_us=now, until_us=now)
    await connection.execute(nothing.on_conflict_do_nothing())
    return await read(connection, scope, subject) or Failures(0, now, now)


async def write(connection: AsyncConnection, scope: Scope, subject: str, failures: Failures) -> None:
    """Put it in place of what was there."""
    row = {"failures": failures.count, "since_us": failures.since, "until_us": failures.until}
    insert = _insert(connection).values(scope=scope.value, subject=subject, **row)
    await connection.execute(insert.on_conflict_do_update(index_elements=["scope", "subject"], set_=row))


def _insert(connection: AsyncConnection) -> Any:
    """One that may update instead: standard SQL has no word for it, but both databases have the same."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(throttles)
    from sqlalchemy.dialects import postgresql  # 2 MiB that SQLite does without.

    return postgresql.insert(throttles)


async def clear(connection: AsyncConnection, scope: Scope, subject: str) -> None:
    """Forget."""
    here = (throttles.c.scope == scope.value) & (throttles.c.subject == subject)
    await connection.execute(sa.delete(throttles).where(here))
