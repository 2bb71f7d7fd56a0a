"""What keeps `serve` from serving. That it serves is shown by whole processes elsewhere."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.commands import main
from relay.store.migrate import DATABASE_NAME

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing."""
    for name in ("CONFIG", "DATA", "HOST", "PORT"):
        monkeypatch.delenv(f"MONORELAY_{name}", raising=False)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def config(folder: Path, text: str = "server: {host: 127.0.0.1, access_key: change-me}") -> str:
    path = folder / "config.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(capsys: Captured) -> str:
    """The one line on stderr."""
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    return line


def test_a_bad_configuration_is_told_with_every_problem(tmp_path: Path, capsys: Captured) -> None:
    path = config(tmp_path, "server: {port: many, unheard_of: 1}")
    assert main(["serve", "--config", path]) == 2
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "server.port",
        "server.unheard_of",
    ]


def test_a_bad_configuration_leaves_no_store_behind(tmp_path: Path) -> None:
    main(["serve", "--config", config(tmp_path, "server: {port: many}")])
    assert [path.name for path in tmp_path.iterdir()] == ["config.yml"]


def test_an_address_in_use_is_one_sentence(tmp_path: Path, capsys: Captured, taken_port: int) -> None:
    assert main(["serve", "--config", config(tmp_path), "--port", str(taken_port)]) == 1
    assert refusal(capsys) == (
        f"monorelay: can't listen on 127.0.0.1:{taken_port}: Address already in use. Choose another with --port."
    )


def test_the_port_may_come_from_the_environment(
    tmp_path: Path, capsys: Captured, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONORELAY_PORT", str(taken_port))
    assert main(["serve", "--config", config(tmp_path)]) == 1
    assert f":{taken_port}: " in refusal(capsys)


def test_the_port_may_come_from_the_file(tmp_path: Path, capsys: Captured, taken_port: int) -> None:
    path = config(tmp_path, f"server: {{host: 127.0.0.1, port: {taken_port}, access_key: change-me}}")
    assert main(["serve", "--config", path]) == 1
    assert f":{taken_port}: " in refusal(capsys)


@pytest.mark.parametrize("port", ["65536", "70000", "-1", "many", "", "8787.0", "1_0", "9" * 5000])
def test_a_port_that_does_not_exist_is_a_usage_error(tmp_path: Path, capsys: Captured, port: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--config", config(tmp_path), f"--port={port}"])
    assert caught.value.code == 2
    assert "is no port: 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["MONORELAY_HOST", "MONORELAY_PORT"])
def test_an_empty_variable_of_the_environment_says_nothing(
    tmp_path: Path, capsys: Captured, taken_port: int, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    path = config(tmp_path, f"server: {{host: 127.0.0.1, port: {taken_port}, access_key: change-me}}")
    assert main(["serve", "--config", path]) == 1
    assert f" 127.0.0.1:{taken_port}: " in refusal(capsys)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", ""])
def test_other_machines_are_not_let_in_with_a_placeholder(tmp_path: Path, capsys: Captured, host: str) -> None:
    assert main(["serve", "--config", config(tmp_path), "--host", host]) == 2
    line = refusal(capsys)
    assert line.startswith("--host: 'access-key' is empty or a placeholder")
    assert f"host '{host}'" in line


def test_the_host_of_the_environment_is_looked_at_as_well(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONORELAY_HOST", "0.0.0.0")
    assert main(["serve", "--config", config(tmp_path)]) == 2
    assert refusal(capsys).startswith("--host: ")


def test_a_host_that_is_not_of_this_machine_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    path = config(tmp_path, "server: {host: 192.0.2.1, access_key: a-long-and-real-access-key}")
    assert main(["serve", "--config", path, "--port", "0"]) == 1
    assert refusal(capsys).startswith("monorelay: can't listen on 192.0.2.1:0: ")


@pytest.mark.parametrize("place", ["missing/config.yml", "file/config.yml"])
def test_a_place_where_no_first_configuration_can_be_written_is_one_sentence(
    tmp_path: Path, capsys: Captured, place: str
) -> None:
    (tmp_path / "file").touch()
    assert main(["serve", "--config", str(tmp_path / place)]) == 1
    line = refusal(capsys)
    assert line.startswith(f"monorelay: {tmp_path / place} can't be written: ")
    assert line.endswith(". Name another place with --config.")


def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"not a database" * 100)
    assert main(["serve", "--config", config(tmp_path), "--data", str(tmp_path)]) == 1
    assert refusal(capsys).startswith(f"monorelay: The store {tmp_path / DATABASE_NAME} can't be opened: ")


def test_a_first_start_shows_its_key_even_if_it_fails_later(tmp_path: Path, capsys: Captured, taken_port: int) -> None:
    path = tmp_path / "config.yml"
    assert main(["serve", "--config", str(path), "--port", str(taken_port)]) == 1
    shown, told = capsys.readouterr()
    (key,) = re.findall(r"^    (mr-\S+)$", shown, re.MULTILINE)
    assert key in path.read_text(encoding="utf-8")
    assert key not in told


def test_a_second_start_shows_no_key(tmp_path: Path, capsys: Captured, taken_port: int) -> None:
    arguments = ["serve", "--config", str(tmp_path / "config.yml"), "--port", str(taken_port)]
    main(arguments)
    capsys.readouterr()
    assert main(arguments) == 1
    assert "mr-" not in refusal(capsys)
