from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from relay import faults
from relay.core.hedging import first_of
from relay.errors import UpstreamError

LATE_AT_ONCE_S = 0.0


class Racer:
    """Answers at a word."""

    def __init__(self, name: str, failure: UpstreamError | None = None) -> None:
        self.name = name
        self.failure = failure
        self.go = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.was_cancelled = False

    async def run(self) -> str:
        self.has_begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if self.failure is not None:
            raise self.failure
        return self.name


class Reluctant(Racer):
    """Takes its time to end."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.is_ending = asyncio.Event()
        self.may_end = asyncio.Event()

    async def run(self) -> str:
        try:
            return await super().run()
        finally:
            self.is_ending.set()
            await self.may_end.wait()


class Race:
    """Two racers, and what nobody took."""

    def __init__(self, first: Racer, second: Racer) -> None:
        self.first, self.second = first, second
        self.dropped: list[str] = []
        self.made_second = False

    async def run(self, late_s: float = LATE_AT_ONCE_S) -> str:
        return await first_of(self.first.run(), self._second, self.dropped.append, late_s=late_s)

    def _second(self) -> Coroutine[Any, Any, str]:
        self.made_second = True
        return self.second.run()


async def both_running(race: Race) -> asyncio.Task[str]:
    task = asyncio.create_task(race.run())
    await race.first.has_begun.wait()
    await race.second.has_begun.wait()
    return task


async def test_a_first_one_in_time_makes_no_second() -> None:
    race = Race(Racer("first"), Racer("second"))
    race.first.go.set()
    assert await race.run(late_s=60) == "first"
    assert not race.made_second


async def test_the_second_is_taken_where_it_is_quicker_and_the_first_cancelled() -> None:
    race = Race(Racer("first"), Racer("second"))
    task = await both_running(race)
    race.second.go.set()
    assert await task == "second"
    assert race.first.was_cancelled


async def test_the_first_may_still_win() -> None:
    race = Race(Racer("first"), Racer("second"))
    task = await both_running(race)
    race.first.go.set()
    assert await task == "first"
    assert race.second.was_cancelled


async def test_an_answer_that_nobody_takes_is_dropped() -> None:
    race = Race(Racer("first"), Racer("second"))
    task = await both_running(race)
    race.first.go.set()
    race.second.go.set()
    assert await task == "first"
    assert race.dropped == ["second"]


async def test_a_failure_of_one_waits_for_the_other() -> None:
    race = Race(Racer("first", faults.redirect()), Racer("second"))
    task = await both_running(race)
    race.first.go.set()
    await asyncio.sleep(0)
    race.second.go.set()
    assert await task == "second"


async def test_where_both_fail_the_first_is_told() -> None:
    race = Race(Racer("first", faults.redirect()), Racer("second", faults.empty()))
    task = await both_running(race)
    race.second.go.set()
    await asyncio.sleep(0)
    race.first.go.set()
    with pytest.raises(UpstreamError) as caught:
        await task
    assert caught.value.facts.code == "upstream_redirect"


async def test_a_first_one_that_fails_in_time_has_no_second() -> None:
    race = Race(Racer("first", faults.redirect()), Racer("second"))
    race.first.go.set()
    with pytest.raises(UpstreamError):
        await race.run(late_s=60)
    assert not race.made_second


async def test_whoever_is_cancelled_leaves_no_racer_behind() -> None:
    race = Race(Racer("first"), Racer("second"))
    task = await both_running(race)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (race.first.was_cancelled, race.second.was_cancelled) == (True, True)


async def test_an_answer_is_dropped_if_whoever_asked_leaves_while_the_other_one_ends() -> None:
    loser = Reluctant("second")
    race = Race(Racer("first"), loser)
    task = await both_running(race)
    race.first.go.set()
    await loser.is_ending.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    loser.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert race.dropped == ["first"]
