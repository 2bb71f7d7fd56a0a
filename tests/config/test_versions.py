from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from relay.config.saving import etag_of
from relay.config.versions import KEPT, Version, Versions
from relay.errors import NoSuch, SaveError

NOW = datetime(2026, 11, 24, 21, 31, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "config-versions")


def texts(versions: Versions) -> list[str]:
    return [versions.text_of(version.name) for version in versions.newest_first()]


def test_a_version_is_kept_with_its_time_and_tag(versions: Versions) -> None:
    version = versions.keep("a: é\r\n", NOW.astimezone(timezone(timedelta(hours=5))))
    assert version == Version(version.name, NOW, etag_of("a: é\r\n".encode()))
    assert version.name.startswith("20261124T213100.000000Z-")
    assert versions.newest_first() == (version,)
    assert versions.text_of(version.name) == "a: é\r\n"


def test_nobody_else_can_read_them(versions: Versions) -> None:
    before = os.umask(0)
    try:
        version = versions.keep("a", NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(versions.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((versions.folder / version.name).stat().st_mode) == 0o600


def test_the_newest_are_kept(versions: Versions) -> None:
    for number in range(KEPT + 3):
        versions.keep(str(number), NOW + number * SECOND)
    assert texts(versions) == [str(number) for number in reversed(range(3, KEPT + 3))]


def test_the_same_text_is_kept_once(versions: Versions) -> None:
    first = versions.keep("a", NOW)
    assert versions.keep("a", NOW + SECOND) == first
    versions.keep("b", NOW + 2 * SECOND)
    again = versions.keep("a", NOW + 3 * SECOND)
    assert texts(versions) == ["a", "b"]
    assert versions.newest_first()[0] == again
    assert (again.since, again.etag) == (NOW + 3 * SECOND, first.etag)


def test_the_order_is_that_of_keeping_even_if_the_clock_goes_back(versions: Versions) -> None:
    for number in range(4):
        versions.keep(str(number), NOW - number * SECOND)
    assert texts(versions) == ["3", "2", "1", "0"]


def test_without_a_folder_there_are_none(versions: Versions) -> None:
    assert versions.newest_first() == ()


def test_leftovers_and_other_files_are_no_versions(versions: Versions) -> None:
    version = versions.keep("a", NOW)
    foreign = ["note.txt", version.name.replace("20261124", "20269999"), f"{version.name}.bak"]
    for name in (*foreign, f".{version.name}.x1.new"):
        (versions.folder / name).touch()
    versions.keep("b", NOW + SECOND)
    assert texts(versions) == ["b", "a"]
    assert sorted(os.listdir(versions.folder)) == sorted([
        ".lock", *foreign, *(version.name for version in versions.newest_first()),
    ])  # fmt: skip


@pytest.mark.parametrize("name", ["", "../config.yml", "x.yml", "20261124T213100.000000Z-x.yml", "\x00", ".lock"])
def test_what_is_no_name_of_a_version_is_not_read(versions: Versions, name: str) -> None:
    versions.keep("a", NOW)
    (versions.folder.parent / "config.yml").write_text("secret")
    with pytest.raises(NoSuch):
        versions.text_of(name)


def test_a_version_that_is_gone_is_none(versions: Versions) -> None:
    version = versions.keep("a", NOW)
    (versions.folder / version.name).unlink()
    with pytest.raises(NoSuch, match=version.name):
        versions.text_of(version.name)


def test_what_can_not_be_read_is_told(versions: Versions) -> None:
    version = versions.keep("a", NOW)
    (versions.folder / version.name).write_bytes(b"\xff")
    with pytest.raises(SaveError, match="no UTF-8 text"):
        versions.text_of(version.name)


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="Not a directory"):
        Versions(tmp_path / "file" / "config-versions").keep("a", NOW)
