"""Lists of models are remembered through a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from relay.core.list_keeping import ListShelf, Origin
from relay.errors import StoreError
from relay.store.changing import reading, writing
from relay.store.database import Engine, open_database
from relay.store.tables import model_lists
from relay.upstream.listed_model import ListedModel
from tests.core.fakes import providers_of
from tests.support.accounts import STORES, new_store, store_url

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
UP = Origin("up", "0123456789abcdef")
FULL = (
    ListedModel("a/ä:1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "owner", 8192, True, False),
    ListedModel("b"),
)


@pytest.fixture(params=STORES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(store_url(request.param))
        yield await stack.enter_async_context(open_database(new_store(tmp_path), url))


def shelf(engine: Engine) -> ListShelf:
    return ListShelf(engine, lambda: NOW)


async def rows(engine: Engine) -> Sequence[Any]:
    async with reading(engine) as transaction:
        return (await transaction.execute(sa.select(model_lists))).all()


async def test_what_is_kept_is_read_again(engine: Engine) -> None:
    await shelf(engine).keep(UP, FULL)
    await shelf(engine).keep(Origin("other", "f"), ())
    assert await shelf(engine).read() == {UP: FULL, Origin("other", "f"): ()}


async def test_each_provider_has_one_list_its_last(engine: Engine) -> None:
    await shelf(engine).keep(UP, FULL)
    elsewhere = Origin("up", "another")
    await shelf(engine).keep(elsewhere, FULL[:1])
    assert await shelf(engine).read() == {elsewhere: FULL[:1]}
    ((_, _, _, at),) = await rows(engine)
    assert at == NOW


async def test_what_can_not_be_read_is_forgotten_and_told(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    await shelf(engine).keep(UP, FULL)
    async with writing(engine) as transaction:
        row = {"provider": "bad", "fingerprint": "f", "document": "no json", "at_us": NOW}
        await transaction.execute(sa.insert(model_lists).values(**row))
    assert await shelf(engine).read() == {UP: FULL}
    assert caplog.messages == ["the list of models kept of provider bad can't be read and is forgotten"]


async def test_a_store_that_is_gone_is_an_error_of_ours(tmp_path: Path) -> None:
    async with open_database(tmp_path) as engine:
        with pytest.raises(StoreError):
            await shelf(engine).read()
        with pytest.raises(StoreError):
            await shelf(engine).keep(UP, FULL)


def test_an_origin_tells_addresses_apart_and_shows_none() -> None:
    blocks = ("a: {base_url: 'http://secret.example/v1'}", "b: {base_url: 'http://secret.example/v2'}")
    providers = providers_of(f"providers: {{{', '.join(blocks)}}}")
    first, second = Origin.of(providers["a"]), Origin.of(providers["b"])
    assert (first.provider, len(first.fingerprint)) == ("a", 16)
    assert first.fingerprint != second.fingerprint
    assert "secret" not in repr(first)
    assert first == Origin.of(providers["a"])
