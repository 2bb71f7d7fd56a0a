from __future__ import annotations

import errno
import hashlib
import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.config.saving import etag_of, read_saved, save
from relay.errors import ConfigError, SaveError, StaleVersion

OLD, NEW = "server: {port: 1}\n", "server: {port: 2} # é\r\n"
NOBODY = 65534


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(OLD)
    path.chmod(0o600)
    return path


@pytest.fixture
def read_only_config() -> Iterator[Path]:
    """In a folder in which nobody, who we are meanwhile, can make a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yml"
        path.write_text(OLD)
        path.chmod(0o644)
        Path(folder).chmod(0o555)
        me = os.geteuid()
        if me == 0:
            os.seteuid(NOBODY)
        try:
            yield path
        finally:
            os.seteuid(me)
            Path(folder).chmod(0o700)


def refused(path: Path, text: str = NEW, etag: str = etag_of(OLD.encode())) -> str:
    """Why the file can't be saved, which leaves it as it was."""
    with pytest.raises(SaveError) as caught:
        save(path, text, etag)
    assert path.read_text() == OLD
    assert [name for name in os.listdir(path.parent) if name.endswith(".new")] == []
    return str(caught.value)


def test_the_tag_is_that_of_all_bytes(config: Path) -> None:
    saved = read_saved(config)
    assert saved.text == OLD
    assert saved.etag == f'"{hashlib.sha256(OLD.encode()).hexdigest()}"'


def test_a_save_replaces_the_file_and_gives_its_new_tag(config: Path) -> None:
    before = config.stat().st_ino
    etag = save(config, NEW, etag_of(OLD.encode()))
    assert config.read_bytes() == NEW.encode()
    assert etag == read_saved(config).etag
    assert config.stat().st_ino != before
    assert sorted(os.listdir(config.parent)) == [".config.yml.lock", "config.yml"]


def test_a_file_that_somebody_else_changed_is_left_alone(config: Path) -> None:
    save(config, NEW, etag_of(OLD.encode()))
    with pytest.raises(StaleVersion, match="Somebody else has changed it meanwhile") as caught:
        save(config, "server: {port: 3}\n", etag_of(OLD.encode()))
    assert (caught.value.facts.status, caught.value.facts.code) == (412, "stale_version")
    assert config.read_bytes() == NEW.encode()
    assert sorted(os.listdir(config.parent)) == [".config.yml.lock", "config.yml"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400])
def test_the_mode_stays(config: Path, mode: int) -> None:
    config.chmod(mode)
    save(config, NEW, etag_of(OLD.encode()))
    assert stat.S_IMODE(config.stat().st_mode) == mode


def test_the_owner_stays(config: Path) -> None:
    """Only root can give a file to somebody else, and so only root could take it from them."""
    owner = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(config, *owner)
    config.chmod(0o640)
    save(config, NEW, etag_of(OLD.encode()))
    state = config.stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (*owner, 0o640)


def test_a_link_stays_one_and_its_target_is_replaced(config: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "config.yml"
    link.symlink_to("../config.yml")
    save(link, NEW, read_saved(link).etag)
    assert link.is_symlink()
    assert config.read_bytes() == NEW.encode()
    assert os.listdir(link.parent) == ["config.yml"]


def test_what_a_killed_save_left_is_cleared_by_the_next(config: Path) -> None:
    (config.parent / ".config.yml.abc.new").write_text("half of")
    save(config, NEW, etag_of(OLD.encode()))
    assert sorted(os.listdir(config.parent)) == [".config.yml.lock", "config.yml"]


def test_a_folder_that_is_read_only_is_told(read_only_config: Path) -> None:
    assert refused(read_only_config) == f"{read_only_config} can't be saved: Permission denied."


def test_a_full_disk_is_told(config: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        words = refused(config, "# x\n" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert words == f"{config} can't be saved: File too large."


def test_a_file_that_is_mounted_by_itself_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(source: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(source), None, str(target))

    monkeypatch.setattr(os, "replace", busy)
    assert "mount its folder instead" in refused(config)


def test_an_owner_who_can_not_be_kept_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    assert "its owner can't be kept" in refused(config)


def test_a_file_that_is_gone_is_told(config: Path) -> None:
    config.unlink()
    with pytest.raises(SaveError, match="No such file"):
        save(config, NEW, etag_of(OLD.encode()))
    with pytest.raises(ConfigError, match="no such file"):
        read_saved(config)


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(SaveError, match="can't be saved"):
        save(tmp_path / "a", NEW, "")


def test_a_lock_that_is_not_let_go_of_is_told(config: Path) -> None:
    (config.parent / ".config.yml.lock").mkdir()
    assert "Is a directory" in refused(config)
