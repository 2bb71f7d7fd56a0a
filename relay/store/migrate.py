"""Brings the SQLite store to this release's revision: under a lock, after a copy, never backwards.

A store that is newer than the code, or that is another program's, is refused instead of guessed at.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from relay.errors import StoreError
from relay.resources import MIGRATIONS

DATABASE_NAME = "monorelay.db"
APPLICATION_ID = 0x4D524C59
"""`MRLY`, in the file's header: tells our files from other SQLite files."""
BUSY_TIMEOUT_S = 10.0


def migrate(data_folder: Path, *, migrations: Path = MIGRATIONS) -> str:
    """Bring the store to the newest revision in `migrations` and give its name. Raises StoreError."""
    make_private_folder(data_folder)
    path = data_folder / DATABASE_NAME
    known = revisions(migrations)
    newest = known[-1]
    try:
        with _lock(data_folder / "migrate.lock"):
            current = _current_revision(path)
            if current != newest:
                _refuse_unknown(known, path, current)
                _copy(path, current)
                _upgrade(path, newest, migrations)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"The store {path} can't be opened: {error}.") from error
    return newest


def assert_is_store(data_folder: Path) -> None:
    """Raises StoreError where there is none: a slip in the folder's name must not look like an empty store."""
    path = data_folder / DATABASE_NAME
    if not path.is_file():
        raise StoreError(
            f"There is no store {path}: name the data folder with --data, or start `monorelay serve` once."
        )


def revision_of(data_folder: Path) -> str:
    """The revision of a store that is there, which is only read; empty: it has none. Raises StoreError."""
    path = data_folder / DATABASE_NAME
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"The store {path} can't be read: {error}.") from error
    return str(row[0]) if row else ""


def make_private_folder(folder: Path) -> None:
    """With its parents, for its owner alone. Raises StoreError."""
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


def revisions(migrations: Path) -> list[str]:
    """All revisions, oldest first: a file is named by its own, `0002_calls.py`."""
    return sorted(path.name.partition("_")[0] for path in (migrations / "versions").glob("[0-9]*_*.py"))


def _refuse_unknown(known: Sequence[str], path: Path, current: str) -> None:
    if current and current not in known:
        message = f"The store {path} is newer than this release (revision {current}): install the newer release again."
        raise StoreError(message)


def _copy(path: Path, current: str) -> None:
    """A copy beside the store, before anything is changed; the last one of each revision is kept."""
    if not current:
        return
    copy = path.with_name(f"{path.stem}-before-{current}.db")
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(_connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def _upgrade(path: Path, newest: str, migrations: Path) -> None:
    """Only here is Alembic loaded: most starts find the store as it should be, and its 11 MB would stay for good."""
    from relay.store.upgrade import upgrade

    upgrade(path, newest, migrations)
