"""`monorelay serve` as a process of its own, as a service manager runs it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.running import ACCESS_KEY

PROGRAM = Path(__file__).parents[2] / "monorelay.py"


@dataclass
class Daemon:
    """One that serves."""

    folder: Path
    process: asyncio.subprocess.Process
    port: int
    lines: list[str] = field(default_factory=list)
    """Its log."""

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    def rss_bytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def open_files(self) -> int:
        """Descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def end(self, *, within_s: float = 30) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    def rows(self, columns: str = "outcome, count(*)", rest: str = "GROUP BY 1") -> list[tuple[Any, ...]]:
        """What the store has of calls."""
        with closing(sqlite3.connect(self.folder / "data" / "monorelay.db")) as connection:
            return connection.execute(f"SELECT {columns} FROM calls {rest}").fetchall()  # noqa: S608 - from the test


def write_config(
    folder: Path, providers: Mapping[str, Any], server: Mapping[str, Any], **sections: Mapping[str, Any]
) -> None:
    """A configuration file. JSON is YAML."""
    listening = {"host": "127.0.0.1", "access_key": ACCESS_KEY, **server}
    document = {"server": listening, "providers": dict(providers), **sections}
    (folder / "config.yml").write_text(json.dumps(document), encoding="utf-8")


@asynccontextmanager
async def daemon(
    folder: Path,
    providers: Mapping[str, Any] | None = None,
    *,
    server: Mapping[str, Any] | None = None,
    prefix: Sequence[str] = (),
    listener: socket.socket | None = None,
    auth: Mapping[str, Any] | None = None,
    database_url: str = "",
) -> AsyncIterator[Daemon]:
    """Serve until left. `prefix` is a command that runs it; `listener` is handed over as systemd would."""
    write_config(folder, providers or {}, server or {}, auth=auth or {}, database={"url": database_url})
    command = [*prefix, sys.executable, str(PROGRAM), "serve", "--port", "0"]
    if listener is not None:
        script = f'exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@" 3<&{listener.fileno()}'
        command = ["bash", "-c", script, "bash", *command]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=[] if listener is None else [listener.fileno()],
    )
    made = Daemon(folder, process, 0)
    reading = asyncio.create_task(_read_log(made))
    try:
        async with asyncio.timeout(30):
            await _serves(made)
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _read_log(made: Daemon) -> None:
    assert made.process.stderr is not None
    async for line in made.process.stderr:
        made.lines.append(line.decode())
        if found := re.search(r"serves on http://\S+:(\d+)", made.lines[-1]):
            made.port = int(found[1])


async def _serves(made: Daemon) -> None:
    while not made.port:
        assert made.process.returncode is None, made.lines
        await asyncio.sleep(0.01)
