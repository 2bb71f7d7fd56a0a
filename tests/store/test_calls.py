"""Records in a real SQLite file: each is one row, once, or the store says why not."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from relay.errors import StoreError
from relay.model import AttemptRecord, CallRecord, Dialect, Outcome, Target, Usage
from relay.store import database
from relay.store.calls import COLUMNS, CallStore, microseconds
from relay.store.database import open_database
from relay.store.migrate import DATABASE_NAME, migrate

TARGET = Target("one", "inner/model")
FULL: dict[str, Any] = {
    "call_id": "call-1",
    "request_id": "req_1",
    "received_at": datetime(2026, 7, 1, 12, 0, 0, 123_456, tzinfo=UTC),
    "api_key": "main",
    "client_ip": "2001:db8::7",
    "user_agent": "curl/8",
    "endpoint": "/v1/messages",
    "dialect": Dialect.MESSAGES,
    "model": "Grüße'; DROP TABLE calls --",
    "target": TARGET,
    "key_label": "k1",
    "attempts": (AttemptRecord(Target("zero", "m"), None, 502, "upstream_unreachable", 3),
                 AttemptRecord(TARGET, "k1", None, None, 9)),
    "status_code": 200,
    "outcome": Outcome.UPSTREAM_BROKEN,
    "is_stream": True,
    "first_token_ms": 7,
    "latency_ms": 9,
    "usage": Usage(10, 4, 3, 2, 2**53, 5),
    "error_type": "stream_truncated",
}  # fmt: skip
BARE: dict[str, Any] = {
    **FULL, "call_id": "call-2", "model": None, "target": None, "key_label": None, "attempts": (), "is_stream": False,
    "first_token_ms": None, "usage": None, "error_type": None,
}  # fmt: skip


def record_of(**more: Any) -> CallRecord:
    return CallRecord(**{**FULL, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store of the newest revision."""
    migrate(tmp_path)
    return tmp_path


@pytest.fixture
async def engine(folder: Path) -> AsyncIterator[AsyncEngine]:
    async with open_database(folder) as engine:
        yield engine


@pytest.fixture
def store(engine: AsyncEngine) -> CallStore:
    return CallStore(engine)


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows, oldest first."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY id")]


def changed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute(statement)
        connection.commit()


async def test_a_row_says_all_that_its_record_says(store: CallStore, folder: Path) -> None:
    await store.add([record_of()])
    (row,) = rows(folder)
    attempts = orjson.loads(row.pop("attempts"))
    assert row == {
        "id": 1, "call_id": "call-1", "request_id": "req_1", "received_at_us": 1_782_907_200_123_456,
        "api_key": "main", "client_ip": "2001:db8::7", "user_agent": "curl/8", "endpoint": "/v1/messages",
        "dialect": "messages", "model": "Grüße'; DROP TABLE calls --", "provider": "one",
        "upstream_model": "inner/model", "key_label": "k1", "status_code": 200, "outcome": "upstream_broken",
        "is_stream": 1, "first_token_ms": 7, "latency_ms": 9, "input_tokens": 10, "cache_read_tokens": 4,
        "cache_write_5m_tokens": 3, "cache_write_1h_tokens": 2, "output_tokens": 2**53, "reasoning_tokens": 5,
        "error_type": "stream_truncated",
    }  # fmt: skip
    assert attempts == [
        {"provider": "zero", "model": "m", "key": None, "status": 502, "error": "upstream_unreachable", "ms": 3},
        {"provider": "one", "model": "inner/model", "key": "k1", "status": None, "error": None, "ms": 9},
    ]


async def test_what_is_not_known_is_null(store: CallStore, folder: Path) -> None:
    await store.add([record_of(**BARE)])
    (row,) = rows(folder)
    assert {name for name, value in row.items() if value is None} == {
        "model", "provider", "upstream_model", "key_label", "first_token_ms", "input_tokens", "cache_read_tokens",
        "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "error_type",
    }  # fmt: skip
    assert (row["attempts"], row["is_stream"]) == ("[]", 0)


async def test_the_table_has_no_column_that_is_never_filled(folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(calls)")]
    assert set(names) == {"id", *COLUMNS}


async def test_a_batch_is_kept_in_its_order(store: CallStore, folder: Path) -> None:
    await store.add([record_of(call_id=f"call-{number}") for number in range(500)])
    assert [row["call_id"] for row in rows(folder)] == [f"call-{number}" for number in range(500)]


async def test_a_record_that_comes_twice_is_kept_once_as_it_was_first(store: CallStore, folder: Path) -> None:
    await store.add([record_of(latency_ms=1)])
    await store.add([record_of(latency_ms=2), record_of(call_id="call-2"), record_of(call_id="call-2")])
    assert [(row["call_id"], row["latency_ms"]) for row in rows(folder)] == [("call-1", 1), ("call-2", 9)]


async def test_a_request_id_may_come_any_number_of_times(store: CallStore, folder: Path) -> None:
    await store.add([record_of(call_id=str(number), request_id="same") for number in range(3)])
    assert len(rows(folder)) == 3


REFUSES_C = "CREATE TRIGGER no BEFORE INSERT ON calls WHEN NEW.call_id = 'c' BEGIN SELECT RAISE(ABORT, 'no'); END"


async def test_of_a_batch_that_is_refused_nothing_is_kept(store: CallStore, folder: Path) -> None:
    changed(folder, REFUSES_C)
    with pytest.raises(StoreError):
        await store.add([record_of(call_id=call_id) for call_id in "abc"])
    assert rows(folder) == []
    await store.add([record_of(call_id="d")])
    assert [row["call_id"] for row in rows(folder)] == ["d"]


async def test_a_missing_table_is_told_in_one_line(store: CallStore, folder: Path) -> None:
    changed(folder, "DROP TABLE calls")
    with pytest.raises(StoreError) as caught:
        await store.add([record_of()])
    assert str(caught.value) == "the table of calls takes no rows: no such table: calls"


async def test_a_locked_store_is_told_and_takes_rows_once_it_is_free(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    async with open_database(folder) as engine:
        store = CallStore(engine)
        with closing(sqlite3.connect(folder / DATABASE_NAME)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="takes no rows: database is locked"):
                await store.add([record_of()])
        await store.add([record_of()])
    assert len(rows(folder)) == 1


async def test_a_reader_in_the_middle_does_not_lock_the_store(store: CallStore, folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (0,)
        await store.add([record_of()])
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    assert len(rows(folder)) == 1


async def test_what_is_kept_is_there_for_the_next_process(folder: Path) -> None:
    for call_id in "ab":
        async with open_database(folder) as engine:
            await CallStore(engine).add([record_of(call_id=call_id)])
    assert [row["call_id"] for row in rows(folder)] == ["a", "b"]


@pytest.mark.parametrize(("pragma", "value"), [("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")])
async def test_every_connection_is_set_up_so_that_writes_are_whole(
    engine: AsyncEngine, pragma: str, value: object
) -> None:
    async with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
            await connection.rollback()


async def test_a_transaction_takes_the_lock_when_it_begins(folder: Path, engine: AsyncEngine) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME, timeout=0)) as other:
        async with engine.begin():
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


async def test_leaving_closes_every_connection(folder: Path) -> None:
    async with open_database(folder) as engine:
        await CallStore(engine).add([record_of()])
    assert sorted(path.name for path in folder.iterdir()) == ["migrate.lock", DATABASE_NAME]


@pytest.mark.parametrize("name", ["a b", "a?b=c", "a%b", "a#b", "ä", "a'b"])
async def test_a_store_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    migrate(tmp_path / name)
    async with open_database(tmp_path / name) as engine:
        await CallStore(engine).add([record_of()])
    assert len(rows(tmp_path / name)) == 1


@pytest.mark.parametrize("microsecond", [0, 1, 499_999, 999_999])
def test_a_moment_is_kept_to_the_microsecond(microsecond: int) -> None:
    moment = datetime(2100, 1, 1, 0, 0, 1, microsecond, tzinfo=UTC)
    assert microseconds(moment) == 4_102_444_801_000_000 + microsecond


async def test_a_store_that_was_put_back_from_a_copy_is_in_wal_mode_again(tmp_path: Path) -> None:
    migrate(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    async with open_database(tmp_path) as engine:
        await CallStore(engine).add([record_of()])
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
