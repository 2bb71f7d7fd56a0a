"""Runs Alembic's revisions over a store. Loaded only when there is something to do; see `migrate`."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from relay.errors import StoreError
from relay.store.migrate import APPLICATION_ID, BUSY_TIMEOUT_S


def upgrade(path: Path, newest: str, migrations: Path) -> None:
    """Bring the store to `newest`, each revision as a whole or not at all. Raises StoreError."""
    try:
        _run(path, migrations)
    except DBAPIError as error:
        raise StoreError(f"The store {path} can't be brought to revision {newest}: {error.orig}.") from error


def upgrade_over(connection: Connection, migrations: Path) -> None:
    """Bring the database of a connection to the newest revision. Raises what SQLAlchemy raises."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # Its INFO tells how it works, and even its import does.
    from alembic import command
    from alembic.config import Config as AlembicConfig

    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(migrations).replace("%", "%%"))
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")


def _run(path: Path, migrations: Path) -> None:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    with engine.connect() as connection:
        upgrade_over(connection, migrations)
    engine.dispose()


def _set_up(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # Else sqlite3 leaves CREATE and ALTER out of its transactions.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # First: SQLite ignores it once anything is written.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
