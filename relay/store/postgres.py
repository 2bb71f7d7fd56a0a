"""Brings a PostgreSQL store to this release's revision, and says whether it is there.

Several processes may share it, so that none upgrades it by the way: `serve` refuses an old one, `monorelay migrate`
upgrades it, one process at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from relay.errors import StoreError
from relay.resources import MIGRATIONS
from relay.store.asyncpg_driver import asyncpg_engine
from relay.store.database import ERRORS, reason
from relay.store.migrate import revisions

PATIENCE_S = 300.0
"""For all of it: another process may be upgrading."""
LOCK = 0x4D524C59
"""Of `pg_advisory_lock`: `MRLY`, as the header of our SQLite files."""


async def assert_current(url: str, *, migrations: Path = MIGRATIONS) -> str:
    """The revision, which is the newest. Raises StoreError naming what to do."""
    newest = revisions(migrations)[-1]
    current = await _with_connection(url, _revision)
    if current == newest:
        return current
    if current in ("", *revisions(migrations)):
        was = f"at revision {current}" if current else "empty"
        raise StoreError(f"The database is {was}, this release needs {newest}: run `monorelay migrate`.")
    raise StoreError(f"The database is newer than this release (revision {current}): install the newer release again.")


async def migrate_postgres(url: str, *, migrations: Path = MIGRATIONS) -> str:
    """Bring it to the newest revision and give its name; of several at once one does it. Raises StoreError."""
    known = revisions(migrations)

    async def upgrade(connection: AsyncConnection) -> str:
        await connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        await connection.commit()
        try:
            current = await _revision(connection)
            await connection.commit()
            if current and current not in known:
                raise StoreError(f"The database is newer than this release (revision {current}).")
            if current != known[-1]:
                from relay.store.upgrade import upgrade_over

                await connection.run_sync(upgrade_over, migrations)
                await connection.commit()
        finally:
            await connection.rollback()
            await connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return known[-1]

    return await _with_connection(url, upgrade)


async def _revision(connection: AsyncConnection) -> str:
    """Empty for a database without our tables."""
    has_any = sa.text("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not (await connection.execute(has_any)).scalar():
        return ""
    return str((await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar() or "")


async def _with_connection(url: str, act: Callable[[AsyncConnection], Awaitable[str]]) -> str:
    engine = asyncpg_engine(url, poolclass=NullPool)
    try:
        async with asyncio.timeout(PATIENCE_S), engine.connect() as connection:
            return await act(connection)
    except TimeoutError as error:
        raise StoreError(f"The database does not answer within {PATIENCE_S:g} s.") from error
    except ERRORS as error:
        raise StoreError(f"The database can't be used: {reason(error)}.") from error
    finally:
        await engine.dispose()
