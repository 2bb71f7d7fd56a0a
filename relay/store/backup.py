"""A backup of everything that a relay is: its configuration, its store, and what else the data folder keeps.

    config.yml               as it is; files that it only names are not in it
    data/monorelay.db        the store of one moment, made while the daemon goes on writing
    data/...                 every other regular file, but for locks, SQLite's side files, and copies of older revisions

Unpacked into an empty folder it can be served as it is. The archive is there as a whole or not at all.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from relay.errors import StoreError
from relay.store.migrate import APPLICATION_ID, BUSY_TIMEOUT_S, DATABASE_NAME

Mode = Literal["w", "w:gz"]
Member = tuple[Path, str]
"""A file or folder, and its name in the archive."""

GZIP_SUFFIXES = (".gz", ".tgz")
LEFT_OUT = ("*.lock", f"{DATABASE_NAME}*", "monorelay-before-*.db*")
"""Names in the data folder; the store comes in as a copy."""


def back_up(config: Path, data_folder: Path, file: Path) -> int:
    """Write the archive, readable by its owner only; give its size in bytes. Raises StoreError."""
    store = data_folder / DATABASE_NAME
    _refuse(file, store)
    mode: Mode = "w:gz" if file.suffix in GZIP_SUFFIXES else "w"
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.absolute().parent) as folder:
            copy, archive = Path(folder) / DATABASE_NAME, Path(folder) / "archive"
            _copy(store, copy)
            _pack(archive, mode, _members(config, data_folder, copy))
            os.link(archive, file)  # Unlike a rename it never replaces a file that is there.
            size_bytes = archive.stat().st_size
        _sync_folder(file.absolute().parent)
    except FileExistsError as error:
        raise _exists(file) from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"The backup {file} can't be written: {_reason(error)}.") from error
    return size_bytes


def _refuse(file: Path, store: Path) -> None:
    """Say no before any work is done."""
    if os.path.lexists(file):
        raise _exists(file)
    if not store.is_file():
        raise StoreError(f"There is no store {store}: name the data folder with --data.")
    if file.resolve().is_relative_to(store.parent.resolve()):
        raise StoreError(f"{file} lies in the data folder, so that the next backup would hold it: name another place.")


def _exists(file: Path) -> StoreError:
    return StoreError(f"{file} exists already: name another file.")


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _copy(store: Path, copy: Path) -> None:
    """The store of one moment; nobody's writing waits for it."""
    uri = f"{store.absolute().as_uri()}?mode=rw"  # Never makes a store where there is none.
    with closing(sqlite3.connect(uri, timeout=BUSY_TIMEOUT_S, uri=True)) as connection:
        if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            raise StoreError(f"{store} is not a store of MonoRelay: name the data folder with --data.")
        connection.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # VACUUM INTO leaves it behind, and only a migration sets it.


def _members(config: Path, data_folder: Path, copy: Path) -> Iterator[Member]:
    """Folders come before what is in them, so that they are made with the mode that they shall have."""
    yield config.resolve(), "config.yml"
    yield data_folder.resolve(), "data"
    yield copy, f"data/{DATABASE_NAME}"
    for path in sorted(data_folder.rglob("*")):
        is_wanted = not path.is_symlink() and (path.is_file() or path.is_dir())
        if is_wanted and not any(fnmatch(path.name, pattern) for pattern in LEFT_OUT):
            yield path, f"data/{path.relative_to(data_folder).as_posix()}"


def _pack(archive: Path, mode: Mode, members: Iterable[Member]) -> None:
    with open(archive, "xb") as target:  # In a folder that only its owner can enter.
        os.fchmod(target.fileno(), 0o600)
        with tarfile.open(fileobj=target, mode=mode) as tar:
            for path, name in members:
                tar.add(path, name, recursive=False, filter=_for_its_owner)
        target.flush()
        os.fsync(target.fileno())


def _for_its_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever unpacks it owns it, and nobody else reads it."""
    member.mode = 0o700 if member.isdir() else 0o600
    member.uid, member.gid, member.uname, member.gname = 0, 0, "", ""
    return member


def _sync_folder(folder: Path) -> None:
    """The archive's name itself is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
