"""What is told to systemd and taken from it, over real sockets."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.systemd import (
    ALIVE,
    READY,
    extend_timeout,
    inherited_listener,
    notify,
    signs_of_life,
    watchdog_interval_s,
)


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """Where a service manager listens."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.settimeout(10)
        yield listening


def test_the_state_goes_to_the_socket_that_the_environment_names(manager: socket.socket, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    notify(READY, {"NOTIFY_SOCKET": path})
    assert manager.recv(100) == b"READY=1"


def test_the_socket_may_have_an_abstract_address(manager: socket.socket) -> None:
    name = f"monorelay-test-{secrets.token_hex(8)}"
    manager.bind(f"\0{name}")
    notify(extend_timeout(1.5), {"NOTIFY_SOCKET": f"@{name}"})
    assert manager.recv(100) == b"EXTEND_TIMEOUT_USEC=1500000"


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234", "/nowhere/at/all", "@", "/" + "x" * 200])
def test_a_manager_that_is_away_is_no_failure(address: str) -> None:
    notify(READY, {"NOTIFY_SOCKET": address})


def test_without_a_manager_nothing_is_told() -> None:
    notify(READY, {})


def test_a_manager_that_has_gone_is_no_failure(manager: socket.socket, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    manager.close()
    notify(READY, {"NOTIFY_SOCKET": path})


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_PID": "7"}, None),
    ],
)
def test_a_sign_of_life_is_due_twice_in_the_time_that_the_unit_allows(
    environ: dict[str, str], interval_s: float | None
) -> None:
    assert watchdog_interval_s(environ, pid=7) == interval_s


def test_the_process_itself_is_meant_by_its_own_number() -> None:
    assert watchdog_interval_s({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}) == 1.0


async def test_signs_of_life_are_given_while_inside(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    manager.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10), signs_of_life(0.001):
        signs = [await loop.sock_recv(manager, 100) for _ in range(3)]
    assert signs == [ALIVE.encode()] * 3
    assert [task for task in asyncio.all_tasks() if task.get_name() == "watchdog"] == []


async def test_where_nobody_waits_for_signs_of_life_none_is_given(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    manager.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    async with signs_of_life(None):
        await asyncio.sleep(0)
        assert [task for task in asyncio.all_tasks() if task.get_name() == "watchdog"] == []
    with pytest.raises(BlockingIOError):
        manager.recv(100)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "8"},
        {"LISTEN_FDS": "0", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "", "LISTEN_PID": "7"},
        {"LISTEN_PID": "7"},
    ],
)
def test_without_sockets_for_this_very_process_it_binds_its_own(environ: dict[str, str]) -> None:
    assert inherited_listener(environ, pid=7) is None


STARTS_AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""
SERVES_ONE = """
from relay.systemd import inherited_listener
listener = inherited_listener()
print(listener.getsockname()[1], listener.getblocking(), listener.get_inheritable(), listener.fileno(), flush=True)
listener.setblocking(True)
client, _ = listener.accept()
client.sendall(b"served")
client.close()
"""


def test_the_socket_of_a_socket_unit_is_taken_over_with_the_clients_in_its_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), 10)
        command = [sys.executable, "-c", STARTS_AS_SYSTEMD_DOES, str(listener.fileno()), SERVES_ONE]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True)
    with closing(client):
        output, _ = process.communicate(timeout=60)
        assert client.recv(100) == b"served"
    assert (output.split(), process.returncode) == ([str(port), "False", "False", "3"], 0)
