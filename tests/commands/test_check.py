from __future__ import annotations

from pathlib import Path

import pytest

from relay.commands import main
from relay.resources import EXAMPLE_CONFIG

GOOD = """
server: {host: 127.0.0.1, access_key: a-long-enough-access-key}
auth: {registration: approval}
providers:
  one: {base_url: 'http://127.0.0.1:9/v1', default: true}
  off: {enabled: false}
  two: {base_url: 'http://127.0.0.1:9/v1'}
"""
BAD = """
server: {port: many}
providers:
  up: {base_url: ftp://x, unheard_of: 1}
"""

Captured = pytest.CaptureFixture[str]


def written(folder: Path, text: str) -> str:
    path = folder / "config.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_good_file_is_good_and_its_enabled_providers_are_named(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, GOOD)
    assert main(["check", path]) == 0
    assert capsys.readouterr() == (f"{path}: good; enabled providers: one, two\n", "")


def test_a_file_without_providers_is_good_for_the_demo(tmp_path: Path, capsys: Captured) -> None:
    good = "server: {host: 127.0.0.1, access_key: a-long-enough-access-key}\nauth: {registration: closed}"
    path = written(tmp_path, good)
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: good; enabled providers: none but the built-in demo\n"


def test_a_provider_that_no_name_leads_to_is_warned_of(tmp_path: Path, capsys: Captured) -> None:
    azure = "{provider_type: azure, base_url: 'http://127.0.0.1:9/v1', keys: [{key: sk-1}]}"
    path = written(tmp_path, GOOD.replace(", default: true", "") + f"  three: {azure}\n")
    assert main(["check", path]) == 0
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "set default: true" in line]
    assert "MODEL@three" in warning


def test_warnings_come_first(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, "server: {host: 127.0.0.1, access_key: short}\nauth: {registration: closed}")
    assert main(["check", path]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}: warning: Access key 'access-key' has fewer than ")
    assert last.startswith(f"{path}: good;")


def test_every_problem_of_a_bad_file_is_told_with_its_line(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, BAD)
    assert main(["check", path]) == 2
    out, err = capsys.readouterr()
    places = [line.split(": ")[:2] for line in err.splitlines()]
    assert places == [
        [f"{path}:2", "server.port"],
        [f"{path}:4", "providers.up.base_url"],
        [f"{path}:4", "providers.up.unheard_of"],
    ]
    assert out == ""


@pytest.mark.parametrize("name", ["missing.yml", "missing/config.yml", "."])
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, capsys: Captured, name: str) -> None:
    path = tmp_path / name
    assert main(["check", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: ")


def test_the_file_may_be_named_by_option_or_environment(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD)
    monkeypatch.setenv("MONORELAY_CONFIG", path)
    assert main(["check"]) == 0
    monkeypatch.setenv("MONORELAY_CONFIG", "elsewhere.yml")
    assert main(["check", "--config", path]) == 0
    assert capsys.readouterr().out.count(f"{path}: good") == 2


def test_the_file_argument_wins_over_the_option(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, GOOD)
    assert main(["check", path, "--config", "elsewhere.yml"]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: good")


def test_the_example_is_good_but_for_its_placeholder(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, EXAMPLE_CONFIG.read_text(encoding="utf-8"))
    assert main(["check", path]) == 0
    assert "placeholder" in capsys.readouterr().out


def test_checking_writes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    main(["check", path])
    assert [str(found) for found in tmp_path.iterdir()] == [path]
