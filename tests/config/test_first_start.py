from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.config.first_start import fresh_config, write_private
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured


@pytest.fixture(params=[0o000, 0o022, 0o777])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.parametrize("access_key", ["Ab-_9", 'a"b\\c', "$${X}$", "#: {x}"])
def test_the_example_gets_its_access_key(access_key: str) -> None:
    example = EXAMPLE_CONFIG.read_text()
    text = fresh_config(example, access_key=access_key)
    assert configured(text).server.access_keys[0].key.get_secret_value() == access_key
    assert len(text.splitlines()) == len(example.splitlines())


@pytest.mark.parametrize("example", ["", 'access_key: "change-me"\naccess_key: "change-me"\n'])
def test_an_example_without_the_one_placeholder_is_refused(example: str) -> None:
    with pytest.raises(ValueError, match="once"):
        fresh_config(example, access_key="k")


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
