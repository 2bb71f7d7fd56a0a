"""The store's engine: one SQLite file, opened in the way that its writes are whole or not there at all."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import URL, event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relay.store.migrate import BUSY_TIMEOUT_S, DATABASE_NAME

Engine: TypeAlias = AsyncEngine
"""The store, for those who may not know that it is SQLAlchemy's."""
Transaction: TypeAlias = AsyncConnection
"""One of its transactions."""
IS_READING = "monorelay_is_reading"
"""Execution option of a transaction that will write nothing, and so need not wait for those that do."""


@asynccontextmanager
async def open_database(data_folder: Path) -> AsyncIterator[AsyncEngine]:
    """The engine of a store that has been migrated; on leaving, its connections are closed."""
    url = URL.create("sqlite+aiosqlite", database=str(data_folder / DATABASE_NAME))
    engine = create_async_engine(url, pool_size=2, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        yield engine
    finally:
        await engine.dispose()


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
