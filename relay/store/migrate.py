"""Brings the SQLite store to this release's revision: under a lock, after a copy, never backwards.

A store that is newer than the code, or that is another program's, is refused instead of guessed at.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from relay.errors import StoreError
from relay.resources import MIGRATIONS

DATABASE_NAME = "monorelay.db"
APPLICATION_ID = 0x4D524C59
"""`MRLY`, in the file's header: tells our files from other SQLite files."""
BUSY_TIMEOUT_S = 10.0


def migrate(data_folder: Path, *, migrations: Path = MIGRATIONS) -> str:
    """Bring the store to the newest revision in `migrations` and give its name. Raises StoreError."""
    _make_private_folder(data_folder)
    path = data_folder / DATABASE_NAME
    scripts = ScriptDirectory(str(migrations))
    newest = scripts.get_current_head() or ""
    try:
        with _lock(data_folder / "migrate.lock"):
            current = _current_revision(path)
            if current != newest:
                _refuse_unknown(scripts, path, current)
                _copy(path, current)
                _upgrade(path, migrations)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"The store {path} can't be opened: {error}.") from error
    except DBAPIError as error:
        raise StoreError(f"The store {path} can't be brought to revision {newest}: {error.orig}.") from error
    return newest


def _make_private_folder(folder: Path) -> None:
    try:
        for part in (*reversed(folder.parents), folder):  # `parents=True` would make those without the mode.
            part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The data folder {folder} can't be made: {error}.") from error


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; freed by the kernel whatever becomes of its holder."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to a file that only its owner can read, whatever the umask."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)


def _current_revision(path: Path) -> str:
    """The store's revision; empty for a new one. Raises StoreError for a foreign file."""
    with closing(_connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        if application_id != APPLICATION_ID and (names or application_id):
            raise StoreError(f"{path} is not a store of MonoRelay: move it away, or choose another --data folder.")
        if "alembic_version" not in names:
            return ""
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""


def _refuse_unknown(scripts: ScriptDirectory, path: Path, current: str) -> None:
    if not current:
        return
    try:
        scripts.get_revision(current)
    except CommandError:
        message = f"The store {path} is newer than this release (revision {current}): install the newer release again."
        raise StoreError(message) from None


def _copy(path: Path, current: str) -> None:
    """A copy beside the store, before anything is changed; the last one of each revision is kept."""
    if not current:
        return
    copy = path.with_name(f"{path.stem}-before-{current}.db")
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(_connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def _upgrade(path: Path, migrations: Path) -> None:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with engine.connect() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
    engine.dispose()


def _set_up(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # Else sqlite3 leaves CREATE and ALTER out of its transactions.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # First: SQLite ignores it once anything is written.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
