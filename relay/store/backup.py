"""A backup of everything that a relay is: its configuration, its store, and what else the data folder keeps.

    config.yml
    data/monorelay.db        a consistent copy, made while the daemon goes on writing
    data/...                 every other file, but for locks, SQLite's side files, and copies made before upgrades

Unpacked into an empty folder it can be served as it is.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from relay.errors import StoreError
from relay.store.migrate import BUSY_TIMEOUT_S, DATABASE_NAME

_LEFT_OUT = (".lock", "-wal", "-shm", "-journal")


def back_up(config: Path, data_folder: Path, file: Path) -> int:
    """Write the archive, readable by its owner only, whole or not at all; give its size in bytes. Raises StoreError."""
    store = data_folder / DATABASE_NAME
    if not store.is_file():
        raise StoreError(f"There is no store {store}: name the data folder with --data.")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.resolve().parent) as folder:
            archive = Path(folder) / "archive"
            _pack(
                archive, [(config, "config.yml"), (_copy(store, folder), f"data/{store.name}"), *_others(data_folder)]
            )
            os.link(archive, file)  # Unlike a rename it never replaces a file that is there.
            return file.stat().st_size
    except FileExistsError as error:
        raise StoreError(f"{file} exists already: name another file.") from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"The backup {file} can't be written: {error}.") from error


def _copy(store: Path, folder: str) -> Path:
    copy = Path(folder) / store.name
    with closing(sqlite3.connect(store, timeout=BUSY_TIMEOUT_S)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    return copy


def _others(data_folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(data_folder.iterdir()):
        is_copy = path.name == DATABASE_NAME or path.match("monorelay-before-*.db")
        if path.is_file() and not is_copy and not path.name.endswith(_LEFT_OUT):
            yield path, f"data/{path.name}"


def _pack(archive: Path, members: list[tuple[Path, str]]) -> None:
    descriptor = os.open(archive, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w+b") as target:
        with tarfile.open(fileobj=target, mode="w:gz") as tar:
            for path, name in members:
                tar.add(path, name, recursive=False, filter=_for_its_owner)
        target.flush()
        os.fsync(target.fileno())


def _for_its_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
    return member
