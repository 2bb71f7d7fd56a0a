"""The systemd units, asked of systemd's own tools; and what the daemon tells a service manager."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.daemon import PROGRAM, write_config
from tests.support.programs import needs
from tests.support.running import raw_exchange

UNITS = PROGRAM.parent / "systemd"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MAX_EXPOSURE = "20"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with paths that exist here."""
    program = tmp_path / "monorelay"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/monorelay/.venv/bin/monorelay", str(program))
        text = text.replace("/opt/monorelay/README.md", str(PROGRAM.parent / "README.md"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def asked(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    result = asked("systemd-analyze", "verify", *(str(units / unit.name) for unit in UNITS.iterdir()))
    assert (result.returncode, result.stderr.replace("Failed to", "")) == (0, "")


@needs("systemd-analyze")
def test_the_service_is_exposed_to_little(units: Path) -> None:
    service = str(units / "monorelay.service")
    result = asked("systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", service)
    assert result.returncode == 0, result.stdout[-200:]


@asynccontextmanager
async def started(*command: str, cwd: Path, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**os.environ, **environ}, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_service_manager_hears_of_readiness_life_and_the_end(tmp_path: Path) -> None:
    write_config(tmp_path, {}, {"drain": 3})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        command = (sys.executable, str(PROGRAM), "serve", "--port", "0")
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        async with started(*command, cwd=tmp_path, **environ) as process:
            heard: list[str] = []
            async with asyncio.timeout(30):
                while len(heard) < 5 or "READY=1" not in heard:
                    heard.append((await asyncio.get_running_loop().sock_recv(manager, 4096)).decode())
                process.terminate()
                assert await process.wait() == 0
            while not (heard[-1].startswith("EXTEND")):
                heard.append((await asyncio.get_running_loop().sock_recv(manager, 4096)).decode())
    assert set(heard) == {"WATCHDOG=1", "READY=1", "STOPPING=1", "EXTEND_TIMEOUT_USEC=8000000"}
    assert heard.count("WATCHDOG=1") >= 3


@needs("systemd-socket-activate")
async def test_systemd_socket_activate_hands_its_socket_over(tmp_path: Path, unused_tcp_port: int) -> None:
    write_config(tmp_path, {}, {"port": 1})
    address = f"127.0.0.1:{unused_tcp_port}"
    command = ("systemd-socket-activate", "-l", address, sys.executable, str(PROGRAM), "serve")
    async with started(*command, cwd=tmp_path) as process:
        async with asyncio.timeout(30):
            await _listens(unused_tcp_port)
            answer = await raw_exchange(unused_tcp_port, LIVE)
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"status": "ok"}
        process.terminate()
        assert await process.wait() == 0


async def _listens(port: int) -> None:
    """Look without connecting: the first connection starts the service."""
    while f":{port:04X} 00000000:0000 0A" not in Path("/proc/net/tcp").read_text(encoding="ascii"):
        await asyncio.sleep(0.01)
