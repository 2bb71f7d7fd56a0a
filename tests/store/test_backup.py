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

import aiohttp
import pytest

from relay.errors import StoreError
from relay.store.backup import back_up
from relay.store.migrate import APPLICATION_ID, DATABASE_NAME, migrate
from tests.support.daemon import PROGRAM, Daemon, daemon, write_config
from tests.support.running import ACCESS_KEY


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
    (folder / "data" / "kept").mkdir()
    (folder / "data" / "kept" / "one.yml").write_bytes(b"x")
    (folder / "data" / "link").symlink_to("/etc/passwd")
    back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
    names = unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    kept = ["data/jwt.secret", "data/kept", "data/kept/one.yml"]
    assert names == ["config.yml", "data", *kept, f"data/{DATABASE_NAME}"]


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


@pytest.mark.parametrize(("name", "is_gzip"), [("b.tar", False), ("b.tar.gz", True), ("b.tgz", True)])
def test_it_is_compressed_where_its_name_says_so(folder: Path, tmp_path: Path, name: str, is_gzip: bool) -> None:
    back_up(folder / "config.yml", folder / "data", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") is is_gzip


def test_tar_itself_makes_a_data_folder_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
    (tmp_path / "new").mkdir()
    subprocess.run(["tar", "-xzf", str(tmp_path / "b.tar.gz"), "-C", str(tmp_path / "new")], check=True)
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("auto_vacuum", 2), ("application_id", APPLICATION_ID)]
)
def test_the_copy_is_tuned_and_marked_as_the_store_is(folder: Path, tmp_path: Path, pragma: str, value: object) -> None:
    back_up(folder / "config.yml", folder / "data", tmp_path / "b.tar.gz")
    unpacked(tmp_path / "b.tar.gz", tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / "data" / DATABASE_NAME)) as copy:
        assert copy.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_it_does_not_lie_in_the_folder_that_it_holds(folder: Path) -> None:
    with pytest.raises(StoreError, match="lies in the data folder"):
        back_up(folder / "config.yml", folder / "data", folder / "data" / "b.tar.gz")


def test_a_database_of_another_program_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / DATABASE_NAME)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(StoreError, match="is not a store of MonoRelay"):
        back_up(folder / "config.yml", tmp_path / "other", tmp_path / "b.tar.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "other"]


async def test_a_relay_serves_from_where_it_was_unpacked_and_has_the_rows(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "b.tar.gz"
    old.mkdir()
    async with daemon(old) as relay:
        async with asyncio.timeout(30):
            while not relay.rows():
                await asyncio.gather(*(call(relay) for _ in range(10)))
        before = relay.rows()
        command = [sys.executable, str(PROGRAM), "backup", str(file)]
        made = await asyncio.create_subprocess_exec(*command, cwd=old, stdout=subprocess.PIPE)
        async with asyncio.timeout(30):
            while made.returncode is None:
                await call(relay)
        output = await made.stdout.read() if made.stdout else b""
        await made.wait()
    assert (made.returncode, output.startswith(bytes(file))) == (0, True)
    unpacked(file, new)
    archived = (new / "config.yml").read_bytes()
    async with daemon(new) as relay:
        assert await call(relay) == 200
        assert await relay.end() == 0
        ((outcome, count),) = relay.rows()
    assert (new / "config.yml").read_bytes() == archived == (old / "config.yml").read_bytes()
    assert (outcome, count > before[0][1]) == ("complete", True)


async def call(relay: Daemon) -> int:
    """One that the demo provider answers; gives the status."""
    body, headers = {"model": "demo", "input": "x"}, {"x-api-key": ACCESS_KEY}
    async with aiohttp.request("POST", f"{relay.url}/v1/embeddings", json=body, headers=headers) as answer:
        return answer.status
