"""A whole relay: real sockets, real sessions, the application as `serve` builds it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from relay.app import Front, serving
from relay.commands.places import CHECKS
from relay.config.load import parse
from relay.config.schema import Config
from relay.core.health import Phase
from relay.core.ledger import Ledger
from relay.errors import StoreError
from relay.model import CallRecord
from relay.state import State, World
from relay.sweep import Sweep
from relay.upstream.keyring.standing import Standing
from relay.web.listening import Listening
from tests.support.accounts import new_accounts

ACCESS_KEY = "test-access-key-0123456789"
SWEEP_S = 0.02
BATCH_S = 0.001
"""Tests wait for records, each for its own."""
UPSTREAM_KEY = "sk-upstream-canary-0123456789"


class Told:
    """Whose line has been logged, in place of the log."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.came = asyncio.Event()

    def tell(self, records: Sequence[CallRecord]) -> None:
        """Called by the ledger once they are stored."""
        self.records += records
        self.came.set()


class MemoryStore:
    """Keeps records in a list; `broken` makes it refuse them."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.broken: StoreError | None = None

    async def add(self, records: Sequence[CallRecord], /) -> None:
        """See core.ledger.Store."""
        if self.broken is not None:
            raise self.broken
        self.records += records


@dataclass
class RunningRelay:
    """One that serves."""

    port: int
    config: Config
    state: State
    front: Front
    listening: Listening
    store: MemoryStore
    told: Told
    """Whose line has been logged."""

    async def records(self, count: int = 1) -> list[CallRecord]:
        """The records, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.told.records) < count:
                self.told.came.clear()
                await self.told.came.wait()
        return self.told.records

    def forgive_all_keys(self) -> None:
        """As if no provider had complained yet: what one test's upstream said is not held against the next."""
        for ring in self.state.memory.rings.values():
            for known in ring.keys.values():
                known.standing = Standing()

    @property
    def url(self) -> str:
        """The root, as Anthropic SDKs want it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """With /v1, as OpenAI SDKs want it."""
        return f"{self.url}/v1"


def provider(url: str, *, kind: str = "openai", keys: int = 1, **options: Any) -> dict[str, Any]:
    """A provider block at a scripted upstream; the URL comes without /v1."""
    base = url if kind == "anthropic" else f"{url}/v1"
    secrets = [{"key": f"{UPSTREAM_KEY}-{number}", "label": f"key-{number}"} for number in range(1, keys + 1)]
    return {"provider_type": kind, "base_url": base, "keys": secrets, **options}


def configuration(providers: Mapping[str, Any] | None = None, **sections: Any) -> Config:
    """A configuration from its parts, through the real loader. JSON is YAML."""
    server = {"host": "127.0.0.1", "access_key": ACCESS_KEY, **sections.pop("server", {})}
    auth = {"bcrypt_cost": 4, **sections.pop("auth", {})}
    document = {"server": server, "auth": auth, "providers": dict(providers or {}), **sections}
    text = orjson.dumps(document).decode()
    return parse(text, source="test.yml", folder=Path(), environ={}, checks=CHECKS)


@asynccontextmanager
async def running_relay(config: Config, world: World | None = None) -> AsyncIterator[RunningRelay]:
    """Serve a configuration on a free port until left."""
    store = MemoryStore()
    told = Told()
    world = world or World()
    listener = socket.create_server(("127.0.0.1", 0))
    async with new_accounts(config, world.now) as accounts:
        state = State(Ledger(store, told.tell, batch_s=BATCH_S), Sweep(), accounts, world.now())
        async with serving(config, listener, state, world, sweep_s=SWEEP_S) as served:
            state.lifecycle.phase = Phase.SERVING
            port: int = listener.getsockname()[1]
            yield RunningRelay(port, config, state, served.front, served.listening, store, told)


async def raw_exchange(port: int, request: bytes) -> bytes:
    """Send bytes on a connection of their own and read one answer: by its length, by its last chunk, or to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await _read_answer(reader)
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head, re.IGNORECASE)
    if length is not None:
        return head + await reader.readexactly(int(length[1]))
    if re.search(rb"\r\ntransfer-encoding: chunked\r\n", head, re.IGNORECASE):
        return head + await reader.readuntil(b"\r\n0\r\n\r\n")
    return head + await reader.read()
