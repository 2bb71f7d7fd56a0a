"""The processes of a run: what is compiled, started, awaited, and ended."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cpu import pin

HERE = Path(__file__).resolve().parent
READY_WITHIN = 60.0
ENDS_WITHIN = 15.0
_LAST_LINES = 15


class BenchmarkError(Exception):
    """Nothing can be measured."""


def program(name: str, package: str) -> str:
    """The path of an installed program. nginx is in sbin, which isn't on everybody's PATH."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if found is None:
        raise BenchmarkError(f"{name} is missing; install it first, such as with: apt install {package}")
    return found


def compiled(name: str, folder: Path) -> Path:
    """Compile one of the C programs into a folder."""
    made = folder / name
    command = [program("cc", "gcc"), "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(HERE / f"{name}.c")]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603
        raise BenchmarkError(f"{name}.c can't be compiled")
    return made


def filled(template: str, target: Path, **values: object) -> Path:
    """Write a file from a template of this folder."""
    text = (HERE / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    target.write_text(text)
    return target


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass(frozen=True, slots=True)
class Program:
    """How a server is started, and where it listens."""

    name: str
    command: Sequence[str]
    port: int
    core: int | None
    log: Path
    ready_path: str | None = None  # None: it is ready once it accepts connections.


class Server:
    """A server as a child process, in a session of its own; it ends with the `with` block."""

    def __init__(self, made_from: Program) -> None:
        self._program = made_from
        self._process: subprocess.Popen[bytes] | None = None
        self.start_seconds = 0.0  # From exec until it was ready.

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self._program.name

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._program.port

    @property
    def pid(self) -> int:
        """The root of its processes."""
        if self._process is None:
            raise BenchmarkError(f"{self.name} isn't running")
        return self._process.pid

    def __enter__(self) -> Self:
        core = self._program.core
        begun = time.perf_counter()
        with self._program.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                list(self._program.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
                start_new_session=True,
                preexec_fn=lambda: pin(core),
            )
        with ExitStack() as otherwise:
            otherwise.callback(self._end)
            self._await_ready(begun + READY_WITHIN)
            otherwise.pop_all()
        self.start_seconds = time.perf_counter() - begun
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _await_ready(self, until: float) -> None:
        while not self._ready():
            if self._process is None or self._process.poll() is not None:
                raise BenchmarkError(f"{self.name} ended at its start:\n{self._last_lines()}")
            if time.perf_counter() > until:
                raise BenchmarkError(f"{self.name} isn't ready after {READY_WITHIN:.0f} s:\n{self._last_lines()}")
            time.sleep(0.002)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.connect()
            if self._program.ready_path is None:
                return True
            connection.request("GET", self._program.ready_path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _last_lines(self) -> str:
        return "\n".join(self._program.log.read_text(errors="replace").splitlines()[-_LAST_LINES:])

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # Its own session: itself and its children, nothing else.
            self._process.wait()
        self._process = None
