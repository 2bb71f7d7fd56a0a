"""SQLAlchemy's engine for PostgreSQL over asyncpg, which is an extra: all that needs it to be there stands here."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from relay.errors import StoreError

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0


def asyncpg_engine(url: str, **options: Any) -> AsyncEngine:
    """For `database.url`. Its connections raise OSError, whatever keeps them from coming. Raises StoreError."""
    try:
        import asyncpg
    except ImportError as error:
        raise StoreError("database.url needs the extra: pip install 'monorelay[postgres]'.") from error
    dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)

    async def connect() -> asyncpg.Connection:
        try:
            return await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise OSError(str(error)) from error

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, **options)
