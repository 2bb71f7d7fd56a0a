"""Calls that are under way: waiting for them, and cutting them short."""

from __future__ import annotations

import asyncio

import pytest

from relay.core.live_calls import LiveCalls


async def call(calls: LiveCalls, entered: asyncio.Event | None = None, released: asyncio.Event | None = None) -> str:
    """What became of one call: `whole` or `cut`. Without `released` it never ends by itself."""
    with calls.scope() as scope:
        if scope.is_cut:
            return "cut"
        if entered is not None:
            entered.set()
        try:
            await (released or asyncio.Event()).wait()
        except asyncio.CancelledError as cancellation:
            if not scope.is_cut_by(cancellation):
                raise
            return "cut"
    return "whole"


async def started(calls: LiveCalls, released: asyncio.Event | None = None) -> asyncio.Task[str]:
    entered = asyncio.Event()
    task = asyncio.create_task(call(calls, entered, released))
    await entered.wait()
    return task


async def test_without_calls_it_is_over_at_once() -> None:
    assert await LiveCalls().over(0) is True


async def test_it_is_not_over_while_one_is_under_way() -> None:
    calls, released = LiveCalls(), asyncio.Event()
    task = await started(calls, released)
    assert await calls.over(0.01) is False
    assert len(calls) == 1
    released.set()
    assert await task == "whole"


async def test_it_is_over_when_the_last_one_has_ended() -> None:
    calls = LiveCalls()
    first, last = asyncio.Event(), asyncio.Event()
    tasks = [await started(calls, first), await started(calls, last)]
    over = asyncio.create_task(calls.over(60))
    first.set()
    await tasks[0]
    await asyncio.sleep(0)
    assert (over.done(), len(calls)) == (False, 1)
    last.set()
    assert await over is True
    assert len(calls) == 0


async def test_a_call_that_failed_or_was_cancelled_is_over_too() -> None:
    calls = LiveCalls()
    with pytest.raises(KeyError), calls.scope():
        raise KeyError
    task = await started(calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (len(calls), await calls.over(0)) == (0, True)


async def test_a_cut_interrupts_every_call_and_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    calls = LiveCalls()
    tasks = [await started(calls) for _ in range(3)]
    calls.cut()
    assert await asyncio.gather(*tasks) == ["cut"] * 3
    assert (len(calls), await calls.over(0)) == (0, True)
    assert [record.getMessage() for record in caplog.records] == ["3 calls are cut short"]


async def test_a_call_that_enters_after_the_cut_is_cut() -> None:
    calls = LiveCalls()
    calls.cut()
    assert await call(calls) == "cut"
    assert len(calls) == 0


async def test_a_second_cut_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    calls = LiveCalls()
    task = await started(calls)
    calls.cut()
    calls.cut()
    await asyncio.sleep(0)
    calls.cut()
    assert await task == "cut"
    calls.cut()
    assert len(caplog.records) == 1


async def test_a_cut_without_calls_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    LiveCalls().cut()
    assert caplog.records == []


async def test_a_call_that_takes_its_time_to_end_after_the_cut_is_waited_for() -> None:
    calls, goodbye = LiveCalls(), asyncio.Event()

    async def slow() -> None:
        with calls.scope():
            try:
                await asyncio.Event().wait()
            finally:
                await goodbye.wait()

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    calls.cut()
    assert await calls.over(0.01) is False
    calls.cut()
    goodbye.set()
    assert await calls.over(60) is True
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cut_call_is_not_taken_for_a_cancelled_one() -> None:
    calls = LiveCalls()
    task = await started(calls)
    calls.cut()
    await task
    assert (task.cancelled(), task.cancelling()) == (False, 0)


async def test_a_cancellation_that_comes_with_the_cut_goes_on() -> None:
    calls = LiveCalls()
    task = await started(calls)
    calls.cut()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(calls) == 0
