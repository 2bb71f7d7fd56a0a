"""asyncpg, so that what it raises is known to those who can't import it: it is an extra."""

from __future__ import annotations

import asyncpg

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0


async def connect(url: str) -> asyncpg.Connection:
    """A connection for SQLAlchemy. Raises OSError, whatever kept it from coming."""
    dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    try:
        return await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise OSError(str(error)) from error
