"""The store's engine: one SQLite file, or PostgreSQL; writes are whole or not there at all."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import URL, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relay.store.asyncpg_driver import asyncpg_engine
from relay.store.migrate import BUSY_TIMEOUT_S, DATABASE_NAME

Engine: TypeAlias = AsyncEngine
"""The store, for those who may not know that it is SQLAlchemy's."""
Transaction: TypeAlias = AsyncConnection
"""One of its transactions."""
POOL_SIZE = 5
"""Connections to PostgreSQL of one process: the ledger's, the directory's, and those of account requests."""
ERRORS = (SQLAlchemyError, OSError)
"""Whatever a database may raise."""
IS_READING = "monorelay_is_reading"
"""Execution option of a transaction that will write nothing, and so need not wait for those that do."""


@asynccontextmanager
async def open_database(data_folder: Path, url: str = "") -> AsyncIterator[Engine]:
    """The engine of a store that has been migrated; on leaving, its connections are closed.

    `url` is `database.url`; empty: SQLite in the data folder.
    """
    engine = _postgres(url) if url else _sqlite(data_folder)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_to_read(data_folder: Path, url: str = "") -> AsyncIterator[Engine]:
    """The same, but nothing of an SQLite store is written, not even beside it."""
    engine = _postgres(url) if url else _read_only(data_folder)
    try:
        yield engine
    finally:
        await engine.dispose()


def _read_only(data_folder: Path) -> Engine:
    path = (data_folder / DATABASE_NAME).resolve()
    return create_async_engine(f"sqlite+aiosqlite:///{path.as_uri()}?mode=ro&uri=true")


def _postgres(url: str) -> Engine:
    return asyncpg_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=BUSY_TIMEOUT_S, pool_pre_ping=True)


def _sqlite(data_folder: Path) -> Engine:
    url = URL.create("sqlite+aiosqlite", database=str(data_folder / DATABASE_NAME))
    engine = create_async_engine(url, pool_size=2, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # Else sqlite3 begins transactions by itself, and not IMMEDIATE.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # A copy by VACUUM INTO, put back, has lost it.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    is_reading = connection.get_execution_options().get(IS_READING)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def reason(error: Exception) -> str:
    """In one line: what the driver said, without SQL and without the URL."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
