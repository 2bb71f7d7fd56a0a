from __future__ import annotations

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from relay.config.locking import locked


def test_a_lock_is_a_private_file_that_stays(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
    with locked(tmp_path / "lock"):
        pass
    assert os.listdir(tmp_path) == ["lock"]


def test_a_second_holder_waits_until_the_first_lets_go(tmp_path: Path) -> None:
    waits, order = threading.Event(), []
    holder = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)

    def let_go(_pause_s: float) -> None:
        if not waits.is_set():
            waits.set()
            order.append("first")
            os.close(holder)

    with locked(tmp_path / "lock", let_go):
        order.append("second")
    assert order == ["first", "second"]


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    pauses: list[float] = []
    told = pytest.raises(OSError, match="does not let go of it")
    with locked(tmp_path / "lock"), told, locked(tmp_path / "lock", pauses.append):
        raise AssertionError
    assert 5 <= sum(pauses) <= 15


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "lock"):
        raise AssertionError
    assert not (tmp_path / "elsewhere").exists()


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "lock"):
        raise KeyError
    with locked(tmp_path / "lock", lambda _pause_s: pytest.fail("it is not free")):
        pass
