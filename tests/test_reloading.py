"""Another configuration while the process runs: good ones take over, bad ones change nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.commands.places import CHECKS
from relay.config.schema import Config
from relay.config.source import ConfigSource
from relay.errors import ConfigError
from relay.reloading import Reloader

GOOD = "server: {host: 127.0.0.1, access_key: one-real-key-0123456789, max_in_flight: %d}\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Process:
    """One that runs on a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.adopted: list[Config] = []
        source = ConfigSource(path, {}, CHECKS)
        signature, loaded = source.signature(), source.load()
        self.reloader = Reloader(source, loaded, loaded.config, self.adopted.append, lambda: NOW, signature=signature)

    @property
    def in_force(self) -> list[int]:
        """What has taken over, one after the other."""
        return [config.server.max_in_flight for config in self.adopted]

    async def look(self, times: int = 2) -> None:
        """So many looks in a row."""
        for _ in range(times):
            await self.reloader.look()


@pytest.fixture
def process(tmp_path: Path) -> Process:
    path = tmp_path / "config.yml"
    path.write_text(GOOD % 1)
    return Process(path)


async def test_a_file_that_stays_as_it_is_is_not_read_again(process: Process) -> None:
    await process.look(5)
    assert process.in_force == []


async def test_a_file_that_is_written_in_place_takes_over(process: Process) -> None:
    process.path.write_text(GOOD % 2)
    await process.look()
    assert process.in_force == [2]
    await process.look()
    assert process.in_force == [2]


async def test_a_file_that_is_renamed_into_place_takes_over(process: Process) -> None:
    new = process.path.with_suffix(".new")
    new.write_text(GOOD % 2)
    os.replace(new, process.path)
    await process.look()
    assert process.in_force == [2]


async def test_a_link_that_is_swapped_takes_over(tmp_path: Path) -> None:
    """As Kubernetes does it: the file is a link into a folder that is a link."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config.yml").write_text(GOOD % number)
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "config.yml").symlink_to("data/config.yml")
    process = Process(tmp_path / "config.yml")
    (tmp_path / "new").symlink_to("2")
    os.replace(tmp_path / "new", tmp_path / "data")
    await process.look()
    assert process.in_force == [2]


async def test_a_file_that_is_still_being_written_is_waited_for(process: Process) -> None:
    process.path.write_text("server:")
    await process.look(1)
    process.path.write_text(GOOD % 3)
    await process.look(1)
    assert process.in_force == []
    await process.look(1)
    assert process.in_force == [3]
    assert process.reloader.status.failures == 0


async def test_a_file_that_is_gone_for_a_moment_changes_nothing(process: Process) -> None:
    process.path.unlink()
    await process.look()
    assert (process.in_force, process.reloader.status.failures) == ([], 0)
    process.path.write_text(GOOD % 2)
    await process.look()
    assert process.in_force == [2]


async def test_a_bad_file_keeps_the_old_configuration_and_says_so(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    before = process.reloader.status
    process.path.write_text("server: {max_in_flight: many, unheard_of: 1}\n")
    await process.look()
    status = process.reloader.status
    assert process.in_force == []
    assert [problem.path for problem in status.problems] == ["server.max_in_flight", "server.unheard_of"]
    assert (status.failures, status.etag) == (1, before.etag)
    assert "is not taken over" in caplog.text
    assert "server.unheard_of" in caplog.text
    await process.look()
    assert process.reloader.status.failures == 1, "a bad file is told once, and not at each look"
    process.path.write_text(GOOD % 2)
    await process.look()
    assert (process.in_force, process.reloader.status.problems) == ([2], ())


async def test_what_the_process_was_told_to_do_reloads_even_the_same_file(process: Process) -> None:
    await process.reloader.reload()
    assert process.in_force == [1]


async def test_what_needs_a_restart_is_kept_and_named(process: Process, caplog: pytest.LogCaptureFixture) -> None:
    process.path.write_text("server: {host: 127.0.0.1, port: 99, max_in_flight: 2}\n")
    await process.reloader.reload()
    assert [(config.server.port, config.server.max_in_flight) for config in process.adopted] == [(8787, 2)]
    assert process.reloader.status.waiting == ("server.port",)
    assert "server.port has changed" in caplog.text


async def test_a_port_of_the_command_line_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(GOOD % 1)
    source = ConfigSource(path, {}, CHECKS)
    loaded = source.load()
    server = loaded.config.server.model_copy(update={"port": 0})
    adopted: list[Config] = []
    running = loaded.config.model_copy(update={"server": server})
    reloader = Reloader(source, loaded, running, adopted.append, lambda: NOW)
    await reloader.reload()
    assert (adopted[0].server.port, reloader.status.waiting) == (0, ())


async def test_an_address_of_the_command_line_still_wants_a_real_key(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(GOOD % 1)
    source = ConfigSource(path, {}, CHECKS)
    loaded = source.load()
    server = loaded.config.server.model_copy(update={"host": "0.0.0.0"})
    adopted: list[Config] = []
    reloader = Reloader(
        source, loaded, loaded.config.model_copy(update={"server": server}), adopted.append, lambda: NOW
    )
    path.write_text("server: {host: 127.0.0.1, access_key: change-me}\n")
    await reloader.reload()
    assert adopted == []
    assert "can be reached from other machines" in reloader.status.problems[0].message


async def test_a_fault_in_taking_over_is_told_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(GOOD % 1)
    source = ConfigSource(path, {}, CHECKS)
    loaded = source.load()
    adopted: list[int] = []

    def adopt(config: Config) -> None:
        if config.server.max_in_flight == 2:
            raise UnicodeError("nobody foresaw it")
        adopted.append(config.server.max_in_flight)

    reloader = Reloader(source, loaded, loaded.config, adopt, lambda: NOW, signature=source.signature())
    for number in (2, 3):
        path.write_text(GOOD % number)
        await reloader.look()
        await reloader.look()
        if number == 2:
            assert "by a fault of the relay: UnicodeError" in reloader.status.problems[0].message
    assert (adopted, reloader.status.failures, reloader.status.problems) == ([3], 1, ())
    assert "nobody foresaw it" in caplog.text


async def test_what_the_command_line_says_is_part_of_a_check(tmp_path: Path) -> None:
    """A weak key is fine for the loopback address of the file, and not for the address that is really in force."""
    path = tmp_path / "config.yml"
    path.write_text(GOOD % 1)
    source = ConfigSource(path, {}, CHECKS)
    loaded = source.load()
    elsewhere = loaded.config.model_copy(
        update={"server": loaded.config.server.model_copy(update={"host": "0.0.0.0"})}  # Nothing listens.
    )
    reloader = Reloader(source, loaded, elsewhere, lambda config: None, lambda: NOW)
    assert reloader.checked(loaded).server.max_in_flight == 1
    with pytest.raises(ConfigError, match="placeholder"):
        reloader.checked(source.loaded((GOOD % 1).replace("one-real-key-0123456789", "change-me")))
