"""A backup is whole, private, and can be served from."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from relay.errors import StoreError
from relay.store.backup import back_up
from relay.store.migrate import DATABASE_NAME, migrate
from tests.support.daemon import PROGRAM, daemon, write_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A relay's folder."""
    home = tmp_path / "home"
    home.mkdir()
    write_config(home, {}, {})
    migrate(home / "data")
    return home


def unpacked(file: Path, place: Path) -> list[str]:
    with tarfile.open(file) as tar:
        tar.extractall(place, filter="data")
        return sorted(tar.getnames())


@contextmanager
def somebody_writing(store: Path) -> Iterator[None]:
    is_over, has_begun = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(store, timeout=10, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE pairs (number INTEGER)")
            while not is_over.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pairs VALUES (1)")
                connection.execute("INSERT INTO pairs VALUES (2)")
                connection.execute("COMMIT")
                has_begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    has_begun.wait(10)
    try:
        yield
    finally:
        is_over.set()
        writer.join()


def test_a_backup_made_while_somebody_writes_is_consistent(folder: Path, tmp_path: Path) -> None:
    with somebody_writing(folder / "data" / DATABASE_NAME):
        back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
    unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / "data" / DATABASE_NAME)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((count,),) = copy.execute("SELECT count(*) FROM pairs").fetchall()
    assert count > 0
    assert count % 2 == 0


def test_it_holds_what_a_relay_is_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    for name in ("jwt.secret", "monorelay-before-0001.db", "x.lock", "monorelay.db-wal"):
        (folder / "data" / name).write_bytes(b"x")
    (folder / "data" / "monorelay.db-wal").unlink()
    back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
    names = unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    assert names == ["config.yml", "data/jwt.secret", f"data/{DATABASE_NAME}"]


def test_only_its_owner_can_read_it_whatever_the_umask(folder: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
        unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    finally:
        os.umask(before)
    paths = [tmp_path / "b.tar.gz", tmp_path / "new" / "config.yml", tmp_path / "new" / "data" / DATABASE_NAME]
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600] * 3


def test_nothing_is_written_over_and_nothing_is_left_behind(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_bytes(b"mine")
    with pytest.raises(StoreError, match="exists already"):
        back_up(folder / "config.yml", folder / "data", file)
    assert file.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "home"]


@pytest.mark.parametrize("missing", ["store", "config", "target"])
def test_what_is_missing_is_named(folder: Path, tmp_path: Path, missing: str) -> None:
    data = tmp_path / "nowhere" if missing == "store" else folder / "data"
    config = tmp_path / "no.yml" if missing == "config" else folder / "config.yml"
    file = tmp_path / "none" / "b.tar.gz" if missing == "target" else tmp_path / "b.tar.gz"
    with pytest.raises(StoreError, match=r"nowhere|no\.yml|none"):
        back_up(config, data, file)


async def test_a_relay_serves_from_where_it_was_unpacked(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAM), "backup", str(tmp_path / "b.tar.gz")]
    made = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=subprocess.PIPE)
    printed, _ = await made.communicate()
    assert b"b.tar.gz was written" in printed
    unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    async with daemon(tmp_path / "new") as relay:
        assert relay.rows() == []
        assert await relay.end() == 0
