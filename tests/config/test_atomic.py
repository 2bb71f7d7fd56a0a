from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.config.atomic import clear_unfinished, write_private, written_beside


@pytest.fixture(params=[0o000, 0o022, 0o777])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_a_private_file_is_its_owners_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    write_private(path, "a: é\r\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == "a: é\r\n".encode()
    assert os.listdir(tmp_path) == ["config.yml"]


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("old")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "config.yml", "new")
    assert (tmp_path / "config.yml").read_text() == "old"
    assert os.listdir(tmp_path) == ["config.yml"]


def test_a_link_that_leads_nowhere_is_kept_as_well(tmp_path: Path) -> None:
    (tmp_path / "config.yml").symlink_to("elsewhere")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "config.yml", "new")
    assert os.listdir(tmp_path) == ["config.yml"]


def test_a_text_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_private(tmp_path / "config.yml", "\ud800")
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_private(tmp_path / "none" / "config.yml", "x")


def test_what_is_neither_linked_nor_renamed_is_gone(tmp_path: Path) -> None:
    with written_beside(tmp_path / "config.yml", "x") as temporary:
        assert temporary.read_text() == "x"
        assert temporary.parent == tmp_path
    assert os.listdir(tmp_path) == []


def test_leftovers_of_one_file_or_of_all_are_cleared(tmp_path: Path) -> None:
    for name in (".a.yml.x1.new", ".b.yml.x2.new", ".a.yml.lock", "a.yml.new", "c.new"):
        (tmp_path / name).touch()
    clear_unfinished(tmp_path, "a.yml.")
    assert sorted(os.listdir(tmp_path)) == [".a.yml.lock", ".b.yml.x2.new", "a.yml.new", "c.new"]
    clear_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".a.yml.lock", "a.yml.new", "c.new"]
