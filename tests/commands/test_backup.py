"""`monorelay backup`: what it prints, and how it says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.commands import main
from relay.store.migrate import migrate
from tests.support.daemon import write_config


def test_it_says_what_it_wrote_and_refuses_to_write_over_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    write_config(home, {}, {})
    migrate(home / "data")
    file = tmp_path / "b.tar"
    command = ["backup", str(file), "--config", str(home / "config.yml")]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(f"{file} was written, {file.stat().st_size} bytes: ")
    assert main(command) == 1
    assert capsys.readouterr() == ("", f"monorelay: {file} exists already: name another file.\n")


def test_without_a_store_there_is_nothing_to_back_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path / "b.tar"), "--data", str(tmp_path / "nowhere")]) == 1
    assert "name the data folder with --data" in capsys.readouterr().err
