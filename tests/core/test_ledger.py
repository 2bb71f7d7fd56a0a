"""The books: every record reaches the store once, in order, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from relay.core import ledger
from relay.core.ledger import MAX_BATCH, MAX_WAITING, Ledger
from relay.errors import Overloaded, StoreError
from relay.model import CallRecord, Dialect, Outcome

SOON_S = 0.001


def record_of(call_id: object) -> CallRecord:
    return CallRecord(
        call_id=str(call_id),
        request_id="req_1",
        received_at=datetime(2026, 7, 1, tzinfo=UTC),
        api_key="main",
        client_ip="192.0.2.1",
        user_agent="",
        endpoint="/v1/chat/completions",
        dialect=Dialect.CHAT,
        model="m",
        target=None,
        key_label=None,
        attempts=(),
        status_code=200,
        outcome=Outcome.COMPLETE,
        is_stream=False,
        first_token_ms=None,
        latency_ms=1,
        usage=None,
        error_type=None,
    )


def ids(records: Sequence[CallRecord]) -> list[str]:
    return [record.call_id for record in records]


class FakeStore:
    """Keeps batches; refuses as often as it is told, and lets what must happen in the middle of a write happen."""

    def __init__(self, *, refusals: int = 0) -> None:
        self.batches: list[list[str]] = []
        self.refusals_left = refusals
        self.tries = 0
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def add(self, records: Sequence[CallRecord], /) -> None:
        batch = ids(records)
        self.tries += 1
        self.was_asked.set()
        await self.may_answer.wait()
        if self.refusals_left:
            self.refusals_left -= 1
            raise StoreError("it is locked")
        self.batches.append(batch)

    @property
    def kept(self) -> list[str]:
        return [call_id for batch in self.batches for call_id in batch]


class Told:
    """What has been told of, in order; `came` once there is so much."""

    def __init__(self, *, wanted: int = 1) -> None:
        self.ids: list[str] = []
        self.came = asyncio.Event()
        self._wanted = wanted

    def tell(self, records: Sequence[CallRecord]) -> None:
        self.ids += ids(records)
        if len(self.ids) >= self._wanted:
            self.came.set()


async def begun() -> None:
    """Let the writer get to its first wait."""
    await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RETRY_S", SOON_S)


async def test_records_that_come_together_are_one_batch_in_their_order() -> None:
    store, told = FakeStore(), Told(wanted=3)
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        for number in range(3):
            books.record(record_of(number))
        await told.came.wait()
        assert store.batches == [["0", "1", "2"]]
    assert told.ids == ["0", "1", "2"]


async def test_no_batch_is_larger_than_one_transaction_may_be() -> None:
    store, told = FakeStore(), Told()
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        await begun()
        for number in range(2 * MAX_BATCH + 1):
            books.record(record_of(number))
    assert [len(batch) for batch in store.batches] == [MAX_BATCH, MAX_BATCH, 1]
    assert store.kept == told.ids == [str(number) for number in range(2 * MAX_BATCH + 1)]


async def test_what_comes_while_the_store_writes_is_in_the_next_batch() -> None:
    store, told = FakeStore(), Told(wanted=2)
    store.may_answer.clear()
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        books.record(record_of("first"))
        await store.was_asked.wait()
        books.record(record_of("second"))
        store.may_answer.set()
        await told.came.wait()
    assert store.batches == [["first"], ["second"]]


async def test_what_comes_after_a_rest_is_written_too() -> None:
    store, told = FakeStore(), Told()
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        for number in range(3):
            books.record(record_of(number))
            await told.came.wait()
            told.came.clear()
    assert store.batches == [["0"], ["1"], ["2"]]


async def test_leaving_writes_what_is_left() -> None:
    store = FakeStore()
    books = Ledger(store, Told().tell, batch_s=SOON_S)
    async with books.keeping():
        await begun()
        books.record(record_of(1))
    assert store.kept == ["1"]


async def test_leaving_writes_even_what_came_during_the_last_write() -> None:
    store = FakeStore()
    store.may_answer.clear()
    books = Ledger(store, Told().tell, batch_s=SOON_S)

    async def comes_late() -> None:
        await store.was_asked.wait()
        books.record(record_of("late"))
        store.may_answer.set()

    async with asyncio.TaskGroup() as group, books.keeping():
        await begun()
        books.record(record_of("early"))
        group.create_task(comes_late())
    assert store.kept == ["early", "late"]


async def test_leaving_loses_nothing_when_the_call_that_leaves_has_failed() -> None:
    store = FakeStore()
    books = Ledger(store, Told().tell, batch_s=SOON_S)

    async def fail() -> None:
        async with books.keeping():
            await begun()
            books.record(record_of(1))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert store.kept == ["1"]


async def test_a_ledger_that_was_given_nothing_asks_nothing_of_the_store() -> None:
    store = FakeStore()
    async with Ledger(store, Told().tell, batch_s=SOON_S).keeping():
        pass
    assert store.tries == 0


async def test_what_the_store_refuses_for_a_while_is_kept_once_and_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, told = FakeStore(refusals=3), Told(wanted=2)
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        books.record(record_of(1))
        await store.was_asked.wait()
        books.record(record_of(2))
        await told.came.wait()
    assert (store.kept, told.ids, store.tries >= 4) == (["1", "2"], ["1", "2"], True)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "records of calls wait: it is locked" in caplog.records[0].getMessage()


async def test_a_call_is_told_of_only_once_its_record_is_kept() -> None:
    store, told = FakeStore(), Told()
    store.may_answer.clear()
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        books.record(record_of(1))
        await store.was_asked.wait()
        assert told.ids == []
        store.may_answer.set()
        await told.came.wait()
    assert told.ids == ["1"]


async def test_what_the_store_still_refuses_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    store, told = FakeStore(refusals=1_000_000), Told()
    books = Ledger(store, told.tell, batch_s=SOON_S)
    async with books.keeping():
        books.record(record_of(1))
        await store.was_asked.wait()
        books.record(record_of(2))
    assert (told.ids, store.kept) == (["1", "2"], [])
    assert caplog.records[-1].getMessage() == (
        "2 records of calls can't be stored, and are in the log alone (if log_level is INFO): it is locked"
    )


async def test_there_is_room_until_too_many_records_wait() -> None:
    books = Ledger(FakeStore(), Told().tell, batch_s=SOON_S)
    record = record_of(1)
    for _ in range(MAX_WAITING - 1):
        books.record(record)
    books.assert_room()
    books.record(record)
    with pytest.raises(Overloaded) as caught:
        books.assert_room()
    assert caught.value.facts.retry_after_s == 10


async def test_there_is_room_again_once_the_store_has_taken_them() -> None:
    store, told = FakeStore(), Told(wanted=MAX_WAITING)
    books = Ledger(store, told.tell, batch_s=SOON_S)
    for _ in range(MAX_WAITING):
        books.record(record_of(1))
    async with books.keeping():
        await told.came.wait()
        books.assert_room()


async def test_a_record_is_taken_even_where_there_is_no_room() -> None:
    store = FakeStore()
    books = Ledger(store, Told().tell, batch_s=SOON_S)
    for number in range(MAX_WAITING + 1):
        books.record(record_of(number))
    async with books.keeping():
        await begun()
    assert len(store.kept) == MAX_WAITING + 1


async def test_it_is_known_how_many_wait_and_which_has_waited_longest() -> None:
    store, told = FakeStore(), Told(wanted=2)
    books = Ledger(store, told.tell)
    assert (books.waiting, books.oldest) == (0, None)
    records = [record_of(number) for number in range(2)]
    for record in records:
        books.record(record)
    assert (books.waiting, books.oldest) == (2, records[0])
    async with books.keeping():
        await told.came.wait()
        assert (books.waiting, books.oldest) == (0, None)
