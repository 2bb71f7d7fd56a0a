"""Keys are remembered through a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from relay.core.key_keeping import KeyKeeper
from relay.core.means import Memory
from relay.errors import Blame, StoreError
from relay.store.changing import reading, writing
from relay.store.database import Engine, open_database
from relay.store.key_memory import keep
from relay.store.tables import key_memory
from relay.upstream.keyring import Key, KeyLimits, Keyring, RingMemory
from tests.support.accounts import STORES, new_store, store_url

SECRET = "x" * 20
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(params=STORES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(store_url(request.param))
        yield await stack.enter_async_context(open_database(new_store(tmp_path), url))


def keeper(engine: Engine, memory: Memory) -> KeyKeeper:
    return KeyKeeper(engine, memory, lambda: NOW)


def keyring(memory: Memory, secret: str = SECRET) -> Keyring:
    key = Key("a", secret, limits=KeyLimits(quota=2))
    return Keyring([key], memory.rings.setdefault("up", RingMemory()), strategy="round-robin", random=lambda: 0.0)


def used(memory: Memory, secret: str = SECRET) -> bool:
    slot = keyring(memory, secret).take(NOW)
    if slot is None:
        return False
    slot.served()
    slot.free(NOW)
    return True


async def rows(engine: Engine) -> Sequence[Any]:
    async with reading(engine) as transaction:
        return (await transaction.execute(sa.select(key_memory))).all()


async def test_a_quota_is_not_begun_anew(engine: Engine) -> None:
    first = Memory()
    async with keeper(engine, first).keeping():
        assert used(first)
    second = Memory()
    async with keeper(engine, second).keeping():
        assert [used(second), used(second)] == [True, False]
    third = Memory()
    async with keeper(engine, third).keeping():
        assert not used(third)
        assert used(third, "y" * 20)  # Another key, under the same label.


async def test_a_resting_key_rests_on(engine: Engine) -> None:
    first = Memory()
    async with keeper(engine, first).keeping():
        slot = keyring(first).take(NOW)
        assert slot is not None
        slot.failed(Blame.KEY_LIMITED, 30, NOW)
        slot.free(NOW)
    second = Memory()
    async with keeper(engine, second).keeping():
        assert keyring(second).shortage(NOW).wait_s == 30


async def test_what_changes_is_kept_soon_and_what_does_not_is_not_written(engine: Engine) -> None:
    memory = Memory()
    async with keeper(engine, memory).keeping(interval_s=0):
        used(memory)
        async with asyncio.timeout(10):
            while not (before := await rows(engine)):
                pass  # As long as the store takes.
    await KeyKeeper(engine, memory, lambda: datetime(2027, 1, 1, tzinfo=UTC)).keep()
    assert await rows(engine) == before
    assert [(row.provider, row.label) for row in before] == [("up", "a")]


async def test_what_can_not_be_read_is_forgotten_and_told(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    async with writing(engine) as transaction:
        for label, document in (("a", "{}"), ("b", "no json")):
            row = {"provider": "up", "label": label, "fingerprint": "f", "document": document, "at_us": NOW}
            await transaction.execute(sa.insert(key_memory).values(**row))
    memory = Memory()
    await keeper(engine, memory).remember()
    assert memory.rings == {}
    assert [record.message[:42] for record in caplog.records] == [
        "what was known of key a of up is forgotten",
        "what was known of key b of up is forgotten",
    ]


async def test_what_could_not_be_kept_is_kept_later(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    used(memory)

    async def refuses(*rows: object) -> None:
        raise StoreError("full")

    with monkeypatch.context() as patch:
        patch.setattr("relay.core.key_keeping.keep", refuses)
        with pytest.raises(StoreError):
            await keeper(engine, memory).keep()
    await keeper(engine, memory).keep()
    again = Memory()
    await keeper(engine, again).remember()
    assert again.rings["up"].keys["a"].meters.calls == 1


async def test_what_is_cut_off_by_the_end_is_kept_at_the_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, begun, real = Memory(), asyncio.Event(), keep

    async def stalls_once(*rows: Any) -> None:
        if begun.is_set():
            await real(*rows)
            return
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("relay.core.key_keeping.keep", stalls_once)
    async with keeper(engine, memory).keeping(interval_s=0):
        used(memory)
        await asyncio.wait_for(begun.wait(), 10)
    assert len(await rows(engine)) == 1
