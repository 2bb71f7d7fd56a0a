"""PostgreSQL: migrated by one process at a time, never by the way, and refused where it is not as it should be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from relay.errors import StoreError
from relay.identity import Act
from relay.model import Target
from relay.resources import MIGRATIONS
from relay.store.calls import CallStore
from relay.store.changing import changing
from relay.store.database import open_database
from relay.store.migrate import revisions
from relay.store.postgres import assert_current, migrate_postgres
from relay.store.tables import Moment, metadata
from tests.store.test_calls import record_of
from tests.support.postgres import empty_database, migrated_database

NEWEST = revisions(MIGRATIONS)[-1]


async def test_an_empty_database_is_refused_by_serve_and_filled_by_migrate() -> None:
    async with empty_database() as url:
        with pytest.raises(StoreError, match=r"is empty, this release needs .*: run `monorelay migrate`"):
            await assert_current(url)
        assert await migrate_postgres(url) == NEWEST
        assert await assert_current(url) == NEWEST


async def test_an_old_database_is_refused_by_serve_and_upgraded_by_migrate(tmp_path: Path) -> None:
    old = tmp_path / "migrations"
    (old / "versions").mkdir(parents=True)
    (old / "env.py").write_bytes((MIGRATIONS / "env.py").read_bytes())
    (old / "script.py.mako").touch()
    for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))[:-1]:
        (old / "versions" / path.name).write_bytes(path.read_bytes())
    async with empty_database() as url:
        await migrate_postgres(url, migrations=old)
        with pytest.raises(StoreError, match=r"is at revision .*: run `monorelay migrate`"):
            await assert_current(url)
        assert await migrate_postgres(url) == NEWEST


async def test_several_at_once_make_one_store() -> None:
    async with empty_database() as url:
        assert await asyncio.gather(*(migrate_postgres(url) for _ in range(4))) == [NEWEST] * 4


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with migrated_database() as url:
        async with open_database(tmp_path, url) as engine, engine.begin() as connection:
            await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        for asked in (assert_current(url), migrate_postgres(url)):
            with pytest.raises(StoreError, match="newer than this release"):
                await asked


@pytest.mark.parametrize("url", ["postgresql+asyncpg://u:canary-password@127.0.0.1:1/x", "postgresql+asyncpg://[/x"])
async def test_one_that_is_not_there_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        await assert_current(url)
    assert "canary" not in str(caught.value)


async def test_every_table_has_the_columns_that_queries_expect(tmp_path: Path) -> None:
    async with migrated_database() as url, open_database(tmp_path, url) as engine, engine.connect() as connection:
        migrated = sa.MetaData()
        await connection.run_sync(migrated.reflect)
    for name, table in metadata.tables.items():
        for column in table.columns:
            made = migrated.tables[name].columns[column.name]
            kind = column.type.impl if isinstance(column.type, Moment) else column.type
            assert (made.nullable, made.primary_key) == (column.nullable, column.primary_key), (name, column.name)
            assert isinstance(made.type, type(kind)), (name, column.name, made.type)


async def test_records_of_calls_are_rows_once_each_whatever_a_client_put_into_them(tmp_path: Path) -> None:
    strange = "x\0" * 300
    records = [
        record_of(call_id="one"),
        record_of(call_id="two", model=strange, target=Target("p", strange), error_type="e" * 99, api_key=strange),
    ]
    async with migrated_database() as url, open_database(tmp_path, url) as engine:
        store = CallStore(engine)
        for _ in range(2):
            await store.add(records)
        async with engine.connect() as connection:
            rows = (await connection.execute(sa.text("SELECT * FROM calls ORDER BY call_id"))).mappings().all()
    assert [row["call_id"] for row in rows] == ["one", "two"]
    assert (rows[0]["model"], rows[0]["is_stream"], rows[0]["output_tokens"]) == (records[0].model, True, 2**53)
    assert (rows[1]["model"], len(rows[1]["error_type"])) == ("x?" * 100, 64)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit SELECT 0, at_us, actor, action, subject, client_ip, detail, hash FROM audit",
    ],
)
async def test_the_audit_log_is_append_only(tmp_path: Path, statement: str) -> None:
    async with migrated_database() as url, open_database(tmp_path, url) as engine:
        async with changing(engine, Act("cli", "-", datetime.now(UTC))) as change:
            await change.audited("test", "subject")
        with pytest.raises(DBAPIError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(sa.text(statement))


async def test_a_database_that_is_gone_is_told_and_the_next_try_finds_it_again(tmp_path: Path) -> None:
    async with migrated_database() as url, open_database(tmp_path, url) as engine:
        store = CallStore(engine)
        await store.add([record_of(call_id="one")])
        async with engine.connect() as connection:
            mine = await connection.execute(sa.text("SELECT pg_backend_pid()"))
            await connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> :mine"), {"mine": mine.scalar_one()},
            )  # fmt: skip
        await store.add([record_of(call_id="two")])
        async with engine.connect() as connection:
            count = (await connection.execute(sa.text("SELECT count(*) FROM calls"))).scalar_one()
    assert count == 2


async def test_a_store_that_refuses_connections_is_a_store_error(tmp_path: Path) -> None:
    async with open_database(tmp_path, "postgresql+asyncpg://u:canary-password@127.0.0.1:1/x") as engine:
        with pytest.raises(StoreError) as caught:
            await CallStore(engine).add([record_of(call_id="one")])
    assert "canary" not in str(caught.value)
