from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from relay.errors import StoreError
from relay.resources import MIGRATIONS
from relay.store.migrate import APPLICATION_ID, DATABASE_NAME, migrate, revisions

NEWEST = "0006"
NEXT = "0007"
"""Of a release that does not exist yet."""
MAKES_A_TABLE = """
revision, down_revision = "NEXT", "NEWEST"

def upgrade():
    from alembic import op
    op.execute("CREATE TABLE notes (text TEXT)")
    op.execute("INSERT INTO notes VALUES ('kept')")
""".replace("NEXT", NEXT).replace("NEWEST", NEWEST)
FAILS_HALFWAY = MAKES_A_TABLE + '    op.execute("CREATE TABLE notes (text TEXT)")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A umask that takes no permission away."""
    before = os.umask(0)
    yield
    os.umask(before)


def asked(path: Path, statement: str) -> list[Any]:
    """The first column of what a statement gives."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
    return [row[0] for row in rows]


def newer_release(folder: Path, revision: str = MAKES_A_TABLE) -> Path:
    """The migrations of a release that has one more than this one."""
    migrations = folder / "migrations of the next release"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    (migrations / "versions" / f"{NEXT}_next.py").write_text(revision, encoding="utf-8")
    return migrations


def refusal(folder: Path, migrations: Path = MIGRATIONS) -> str:
    """The message of a refusal, which must be one line."""
    with pytest.raises(StoreError) as caught:
        migrate(folder, migrations=migrations)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_fresh_folder_gets_a_store_of_the_newest_revision(folder: Path) -> None:
    assert migrate(folder) == NEWEST
    assert asked(folder / DATABASE_NAME, "SELECT version_num FROM alembic_version") == [NEWEST]


@pytest.mark.parametrize(
    ("pragma", "value"), [("application_id", APPLICATION_ID), ("journal_mode", "wal"), ("auto_vacuum", 2)]
)
def test_a_fresh_store_is_marked_and_tuned(folder: Path, pragma: str, value: object) -> None:
    migrate(folder)
    assert asked(folder / DATABASE_NAME, f"PRAGMA {pragma}") == [value]


def test_an_empty_file_is_a_fresh_store(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE_NAME).touch()
    assert migrate(folder) == NEWEST


@pytest.mark.parametrize("name", ["a b", "a?b=c", "a%b", "a#b", "ä", "file:x", "a'b"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    migrate(tmp_path / name)
    assert asked(tmp_path / name / DATABASE_NAME, "SELECT version_num FROM alembic_version") == [NEWEST]


def test_migrations_may_lie_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "100%"
    folder.mkdir()
    assert migrate(tmp_path / "data", migrations=newer_release(folder)) == NEXT


def test_the_revisions_are_those_that_alembic_knows() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert revisions(MIGRATIONS) == [script.revision for script in reversed(list(scripts.walk_revisions()))]


def test_a_store_that_is_as_it_should_be_is_opened_without_alembic(folder: Path) -> None:
    migrate(folder)
    program = "import sys, pathlib, relay.store.migrate as m; m.migrate(pathlib.Path(sys.argv[1])); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert "alembic" not in loaded.stdout.split()


def test_the_second_run_does_nothing(folder: Path) -> None:
    migrate(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert migrate(folder) == NEWEST
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.usefixtures("open_umask")
def test_files_and_folders_are_for_their_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    migrate(folder)
    migrate(folder, migrations=newer_release(tmp_path))
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "new").rglob("*")}
    assert modes == {
        "data": "0o700",
        DATABASE_NAME: "0o600",
        "migrate.lock": "0o600",
        f"monorelay-before-{NEWEST}.db": "0o600",
    }
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_an_existing_folder_keeps_its_mode(folder: Path) -> None:
    folder.mkdir(mode=0o750)
    migrate(folder)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_copy_is_made_before_an_upgrade(folder: Path, tmp_path: Path) -> None:
    migrate(folder)
    asked(folder / DATABASE_NAME, "CREATE TABLE mine (text TEXT)")
    assert migrate(folder, migrations=newer_release(tmp_path)) == NEXT
    copy = folder / f"monorelay-before-{NEWEST}.db"
    assert asked(copy, "SELECT version_num FROM alembic_version") == [NEWEST]
    assert asked(copy, "SELECT name FROM sqlite_master WHERE name IN ('mine', 'notes')") == ["mine"]
    assert asked(copy, "PRAGMA application_id") == [APPLICATION_ID]
    assert asked(folder / DATABASE_NAME, "SELECT text FROM notes") == ["kept"]


def test_an_older_copy_of_the_same_revision_is_replaced(folder: Path, tmp_path: Path) -> None:
    migrate(folder)
    copy = folder / f"monorelay-before-{NEWEST}.db"
    copy.write_bytes(b"older")
    migrate(folder, migrations=newer_release(tmp_path))
    assert asked(copy, "SELECT version_num FROM alembic_version") == [NEWEST]


def test_a_fresh_store_needs_no_copy(folder: Path) -> None:
    migrate(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["migrate.lock", DATABASE_NAME]


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(folder: Path, tmp_path: Path) -> None:
    migrate(folder)
    message = refusal(folder, newer_release(tmp_path, FAILS_HALFWAY))
    store = folder / DATABASE_NAME
    assert message == f"The store {store} can't be brought to revision {NEXT}: table notes already exists."
    assert asked(store, "SELECT name FROM sqlite_master WHERE name IN ('calls', 'notes')") == ["calls"]
    assert asked(folder / DATABASE_NAME, "SELECT version_num FROM alembic_version") == [NEWEST]


def test_a_store_of_a_newer_release_is_refused_and_left_alone(folder: Path, tmp_path: Path) -> None:
    migrate(folder, migrations=newer_release(tmp_path))
    before = (folder / DATABASE_NAME).read_bytes()
    newer = f"is newer than this release (revision {NEXT}): install the newer release again."
    assert refusal(folder) == f"The store {folder / DATABASE_NAME} {newer}"
    assert (folder / DATABASE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE theirs (a)",
        "CREATE VIEW theirs AS SELECT 1",
        "PRAGMA application_id = 7",
        "CREATE TABLE alembic_version (version_num)",
    ],
)
def test_a_database_of_another_program_is_refused_and_left_alone(folder: Path, statement: str) -> None:
    folder.mkdir()
    path = folder / DATABASE_NAME
    asked(path, statement)
    before = path.read_bytes()
    message = refusal(folder)
    assert message == f"{path} is not a store of MonoRelay: move it away, or choose another --data folder."
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_in_one_sentence_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    path = folder / DATABASE_NAME
    path.write_bytes(b"not a database" * 100)
    assert refusal(folder) == f"The store {path} can't be opened: file is not a database."
    assert path.read_bytes() == b"not a database" * 100


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refusal(tmp_path / "file" / "data")
    assert message.startswith(f"The data folder {tmp_path / 'file' / 'data'} can't be made: ")


@pytest.mark.parametrize("name", ["migrate.lock", DATABASE_NAME])
def test_a_folder_that_cannot_be_written_to_is_refused(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    assert refusal(folder).startswith(f"The store {folder / DATABASE_NAME} can't be opened: ")


def test_a_store_that_lost_its_revision_is_not_written_over(folder: Path) -> None:
    migrate(folder)
    asked(folder / DATABASE_NAME, "DELETE FROM alembic_version")
    with pytest.raises(StoreError, match="table calls already exists"):
        migrate(folder)


def test_several_threads_at_once_make_one_store(folder: Path, tmp_path: Path) -> None:
    migrations = newer_release(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(lambda _: migrate(folder, migrations=migrations), range(4)))
    assert revisions == [NEXT] * 4
    assert asked(folder / DATABASE_NAME, "SELECT text FROM notes") == ["kept"]


def test_several_processes_at_once_make_one_store(folder: Path) -> None:
    program = "import sys, pathlib, relay.store.migrate as m; print(m.migrate(pathlib.Path(sys.argv[1])))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in started] == [NEWEST] * 3
