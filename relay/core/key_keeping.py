"""Keeps what is remembered of providers' keys through a restart: limits are not begun anew, and a resting key rests on.

Once a second what has changed is stored, off the way of any call; a crash of the process costs the last second.
Processes that share a store count each for itself, and the last one to write is what the next start knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime

import orjson

from relay.background import running_beside
from relay.core.means import Memory
from relay.errors import StoreError
from relay.store.changing import reading, writing
from relay.store.database import Engine
from relay.store.key_memory import KeptKey, keep, read_all
from relay.upstream.keyring import KeyMemory, RingMemory, snapshot

INTERVAL_S = 1.0

log = logging.getLogger(__name__)


class KeyKeeper:
    """`keeping` runs it."""

    def __init__(self, engine: Engine, memory: Memory, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._memory = memory
        self._now = now

    @asynccontextmanager
    async def keeping(self, *, interval_s: float = INTERVAL_S) -> AsyncIterator[None]:
        """Remember what was kept, then keep what changes until left. Raises StoreError at the start."""
        await self.remember()
        try:
            async with running_beside(self._keep_for_ever(interval_s), name="keys"):
                yield
        finally:
            try:
                await self.keep()
            except StoreError as error:
                log.warning("the last of what is known of keys is not kept: %s", error)

    async def remember(self) -> None:
        """Read what was kept. Raises StoreError."""
        async with reading(self._engine) as transaction:
            kept = await read_all(transaction)
        for one in kept:
            try:
                memory = snapshot.read(one.fingerprint, orjson.loads(one.document))
            except ValueError as error:
                log.warning("what was known of key %s of %s is forgotten: %s", one.label, one.provider, error)
                continue
            self._memory.rings.setdefault(one.provider, RingMemory()).keys[one.label] = memory

    async def keep(self) -> None:
        """Store what has changed. Raises StoreError, having lost none of it."""
        changed = list(self._changed())
        if not changed:
            return
        kept = [
            KeptKey(provider, label, memory.fingerprint, orjson.dumps(snapshot.written(memory)).decode())
            for provider, label, memory in changed
        ]
        for _, _, memory in changed:
            memory.has_news = False
        is_kept = False
        try:
            async with writing(self._engine) as transaction:
                await keep(transaction, kept, self._now())
            is_kept = True
        finally:  # Cancelled in the middle, by the end of the process, it is not kept either.
            for _, _, memory in changed:
                memory.has_news |= not is_kept

    def _changed(self) -> Iterator[tuple[str, str, KeyMemory]]:
        for provider, ring in self._memory.rings.items():
            for label, memory in ring.keys.items():
                if memory.has_news:
                    yield provider, label, memory

    async def _keep_for_ever(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.keep()
            except StoreError as error:
                log.warning("what is known of keys can't be kept: %s", error)
