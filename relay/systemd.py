"""What systemd and a service tell each other: readiness and signs of life (sd_notify), and sockets (sd_listen_fds).

sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3), systemd 252
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from relay.background import running_beside

FIRST_LISTEN_FD = 3

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell systemd; without systemd, nothing. Never fails: that the service manager is away is no reason to stop."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as messenger:
        messenger.connect("\0" + address[1:] if address.startswith("@") else address)
        messenger.send(state.encode())


def reloading() -> str:
    """The configuration is being read again; READY follows."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def extend_timeout(duration_s: float) -> str:
    """Ask for so much more time before systemd loses its patience."""
    return f"EXTEND_TIMEOUT_USEC={round(duration_s * 1_000_000)}"


def watchdog_interval_s(environ: Mapping[str, str] = os.environ, *, pid: int | None = None) -> float | None:
    """How often a sign of life is due: half of what the unit allows. None: nobody waits for one."""
    wanted_pid = environ.get("WATCHDOG_PID", "")
    timeout_us = environ.get("WATCHDOG_USEC", "")
    if not timeout_us.isdigit() or (wanted_pid and wanted_pid != str(pid or os.getpid())):
        return None
    return int(timeout_us) / 2_000_000 or None


@asynccontextmanager
async def signs_of_life(interval_s: float | None) -> AsyncIterator[None]:
    """Give them from the event loop itself while inside: a loop that hangs gives none, and is restarted."""
    if interval_s is None:
        yield
        return
    async with running_beside(_give(interval_s), name="watchdog"):
        yield


async def _give(interval_s: float) -> None:
    while True:
        notify(ALIVE)
        await asyncio.sleep(interval_s)


def inherited_listener(environ: Mapping[str, str] = os.environ, *, pid: int | None = None) -> socket.socket | None:
    """The listening socket of a socket unit; None: there is none, and the service binds its own."""
    if environ.get("LISTEN_PID") != str(pid or os.getpid()) or environ.get("LISTEN_FDS", "0") in ("", "0"):
        return None
    listener = socket.socket(fileno=FIRST_LISTEN_FD)
    listener.setblocking(False)
    listener.set_inheritable(False)
    return listener
