from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from relay.commands import COMMANDS, main

Captured = pytest.CaptureFixture[str]


def usage_error(arguments: list[str]) -> int | str | None:
    """The exit code of a call that argparse refuses."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_version_prints_the_version_of_the_package(capsys: Captured) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == version("monorelay") + "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["VERSION"],
        ["version", "surplus"],
        ["version", "--config", "x"],
        ["check", "--conf", "x"],
        ["check", "--data", "x"],
        ["serve", "--port", "many"],
        ["serve", "surplus"],
        ["migrate", "--data"],
    ],
)
def test_a_wrong_call_is_a_usage_error(arguments: list[str], capsys: Captured) -> None:
    assert usage_error(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: monorelay")


def test_help_names_every_command(capsys: Captured) -> None:
    assert usage_error(["--help"]) == 0
    out = capsys.readouterr().out
    assert [name for name in ("serve", "check", "migrate", "version") if f"\n    {name} " not in out] == []
    assert len(COMMANDS) == 11


@pytest.mark.parametrize("command", ["serve", "check", "migrate", "version"])
def test_each_command_has_help(command: str, capsys: Captured) -> None:
    assert usage_error([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: monorelay {command} ")


def test_a_port_of_the_environment_that_is_no_number_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured
) -> None:
    monkeypatch.setenv("MONORELAY_PORT", "many")
    assert usage_error(["serve", "--config", str(tmp_path / "config.yml")]) == 2
    assert "--port" in capsys.readouterr().err
