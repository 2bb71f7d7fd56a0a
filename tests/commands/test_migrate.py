from __future__ import annotations

import sys
from pathlib import Path

import pytest

from relay.commands import main
from relay.store.migrate import DATABASE_NAME

Captured = pytest.CaptureFixture[str]


def test_the_store_is_made_and_its_revision_told(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "data"
    assert main(["migrate", "--data", str(folder)]) == 0
    assert capsys.readouterr() == (f"{folder}: the store is at revision 0006\n", "")
    assert (folder / DATABASE_NAME).is_file()


def test_it_may_be_called_again(tmp_path: Path, capsys: Captured) -> None:
    for _ in range(2):
        assert main(["migrate", "--data", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_the_folder_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONORELAY_DATA", str(tmp_path / "env"))
    assert main(["migrate"]) == 0
    assert (tmp_path / "env" / DATABASE_NAME).is_file()


def test_the_store_lies_beside_the_configuration_which_need_not_exist(tmp_path: Path) -> None:
    assert main(["migrate", "--config", str(tmp_path / "config.yml")]) == 0
    assert (tmp_path / "data" / DATABASE_NAME).is_file()


def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"not a database" * 100)
    assert main(["migrate", "--data", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert err == f"monorelay: The store {tmp_path / DATABASE_NAME} can't be opened: file is not a database.\n"
    assert out == ""


def test_postgresql_without_its_extra_is_one_sentence(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    config = tmp_path / "config.yml"
    config.write_text("server:\n  host: 127.0.0.1\ndatabase:\n  url: postgresql+asyncpg://relay@127.0.0.1:9/relay\n")
    assert main(["migrate", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "monorelay: database.url needs the extra: pip install 'monorelay[postgres]'.\n"
