"""The secret that signs tokens, in its file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from relay.errors import StoreError
from relay.store.signing_secret import FILE_NAME, SECRET_BYTES, kept_secrets


def test_it_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        (first,) = kept_secrets(tmp_path)
    finally:
        os.umask(umask)
    assert kept_secrets(tmp_path) == (first,)
    assert len(first) == SECRET_BYTES
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_those_who_start_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(kept_secrets, [tmp_path] * 8))) == 1


def test_two_installations_have_two(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert kept_secrets(tmp_path / "one") != kept_secrets(tmp_path / "two")


def test_several_may_stand_in_it(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(f"{'aa' * 32}\n{'bb' * 32}\n", encoding="ascii")
    assert kept_secrets(tmp_path) == (b"\xaa" * 32, b"\xbb" * 32)


@pytest.mark.parametrize("text", ["", "no hex", "aa" * 31, f"{'aa' * 32}\n{'bb' * 8}", "é"])
def test_what_is_no_secret_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        kept_secrets(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert not text or text not in str(caught.value)
