"""The process: what it is given by systemd, what it opens, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from relay import systemd
from relay.accounts import open_accounts, signing_secrets
from relay.app import Front, serving
from relay.background import running_beside
from relay.config.schema import Config
from relay.config.source import ConfigSource, Loaded, Signature
from relay.config.versions import FOLDER, Versions
from relay.core.access_keys import AccessKeys
from relay.core.configuring.desk import ConfigDesk
from relay.core.health import Phase
from relay.core.key_keeping import KeyKeeper
from relay.core.ledger import Ledger
from relay.core.list_keeping import ListShelf
from relay.drain import Patience, drain
from relay.logs import CallLines, set_level
from relay.reloading import Reloader
from relay.state import State, World
from relay.store.calls import CallStore
from relay.store.database import open_database
from relay.sweep import Sweep

log = logging.getLogger(__name__)

GC_THRESHOLDS = (20_000, 20, 50)
"""CPython's own (700, 10, 10) spend a tenth of a call's CPU on looking for cycles."""
END_S = 5.0
"""What closing everything may take, beyond the drain."""


def raise_open_files_limit() -> None:
    """Use what the system grants: the lower limit is a relic of select(2), which nothing here uses."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # A unit may forbid it; then its LimitNOFILE is what holds.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a process starts with."""

    source: ConfigSource
    signature: Signature | None
    """Of the file before it was read."""
    loaded: Loaded
    """What it said."""
    config: Config
    """What is in force: what it said, but for what the command line says."""
    data_folder: Path


async def run(beginning: Beginning, listener: socket, announce: Callable[[str | None], None]) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT, or until accounts can't be followed any more.

    Once requests are answered, `announce` is called: with the token that makes the first super admin, or None where
    there is one. A second signal ends the drain at once.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()
    _on_signals(stop, hurry)
    config, data_folder = beginning.config, beginning.data_folder
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_database(data_folder, config.database.url.get_secret_value()))
        world = World()
        opening = open_accounts(config, engine, signing_secrets(config, data_folder), world.now, on_fault=stop.set)
        accounts = await stack.enter_async_context(opening)
        state = State(
            Ledger(CallStore(engine), CallLines(config.server.log_format).tell), Sweep(), accounts, world.now()
        )
        await stack.enter_async_context(KeyKeeper(engine, state.memory, world.now).keeping())
        served = await stack.enter_async_context(serving(config, listener, state, world))
        await stack.enter_async_context(served.front.following_lists(ListShelf(engine, world.now)))
        await stack.enter_async_context(_following_file(beginning, served.front, state, world))
        await stack.enter_async_context(systemd.signs_of_life(systemd.watchdog_interval_s()))
        if not (AccessKeys(config).are_any_in_force(world.now()) or accounts.directory.has_anybody):
            log.warning("nobody can authenticate: there is no access key in force, and no user who may log in")
        _settle_memory()
        state.lifecycle.phase = Phase.SERVING
        announce(None if accounts.directory.has_super_admin else accounts.set_up.text)
        systemd.notify(systemd.READY)
        await stop.wait()
        systemd.notify(systemd.STOPPING)
        server = served.front.site.config.server
        patience = Patience(server.drain_delay_s, server.drain_s)
        systemd.notify(systemd.extend_timeout(patience.delay_s + patience.drain_s + END_S))
        await drain(state.lifecycle, state.live_calls, served.listening, patience, hurry)


def _settle_memory() -> None:
    """What lives as long as the process is not looked at again, and the rest more rarely: a call makes few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@asynccontextmanager
async def _following_file(beginning: Beginning, front: Front, state: State, world: World) -> AsyncIterator[None]:
    """Keep the process on what its file says, and let admins change that."""
    versions = Versions(beginning.data_folder / FOLDER)
    reloader = _reloader(beginning, front, world, versions)
    state.reload_status = lambda: reloader.status
    state.config_desk = ConfigDesk(beginning.source, versions, reloader, state.accounts)
    await reloader.keep(beginning.loaded)
    async with reloader.watching(), _reloading_on_hup(reloader):
        yield


def _reloader(beginning: Beginning, front: Front, world: World, versions: Versions) -> Reloader:
    def adopt(config: Config) -> None:
        front.adopt(config)
        set_level(config.server.log_level)

    return Reloader(
        beginning.source,
        beginning.loaded,
        beginning.config,
        adopt,
        world.now,
        signature=beginning.signature,
        keep=versions.keep,
    )


@asynccontextmanager
async def _reloading_on_hup(reloader: Reloader) -> AsyncIterator[None]:
    """SIGHUP reads the file at once, and again what it refers to, even if it is the same."""
    asked = asyncio.Event()

    async def reload_for_ever() -> None:
        while True:
            await asked.wait()
            asked.clear()
            systemd.notify(systemd.reloading())
            await reloader.reload()
            systemd.notify(systemd.READY)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    try:
        async with running_beside(reload_for_ever(), name="sighup"):
            yield
    finally:  # What comes now comes too late; its default would end the process in the middle of its end.
        loop.add_signal_handler(signal.SIGHUP, lambda: None)


def _on_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told)
