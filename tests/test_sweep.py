"""Deadlines that are looked at together, on a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from relay.sweep import NEVER, Sweep, Watch, sweeping


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sweep(clock: Clock) -> Sweep:
    return Sweep(clock)


def watched(sweep: Sweep, told: list[str], name: str = "told", *, due_s: float) -> Watch:
    """A watch that writes its name down once its moment has passed."""
    watch = sweep.watch(lambda: told.append(name))
    watch.due_s = due_s
    return watch


def test_a_new_watch_waits_for_nothing(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []
    assert sweep.watch(lambda: told.append("told")).due_s == NEVER
    clock.now_s = 1e12
    sweep.tick()
    assert told == []


def test_nothing_is_told_before_its_moment(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []
    watched(sweep, told, due_s=101)
    clock.now_s = 100.999
    sweep.tick()
    assert told == []


@pytest.mark.parametrize("late_s", [0, 5])
def test_a_moment_that_has_passed_is_told_once(sweep: Sweep, clock: Clock, late_s: float) -> None:
    told: list[str] = []
    watch = watched(sweep, told, due_s=101)
    clock.now_s = 101 + late_s
    sweep.tick()
    sweep.tick()
    assert (told, watch.due_s) == (["told"], NEVER)


def test_of_several_only_those_that_are_due_are_told(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []
    for name, due_s in [("early", 101.0), ("later", 102.0), ("last", 103.0)]:
        watched(sweep, told, name, due_s=due_s)
    clock.now_s = 102
    sweep.tick()
    assert sorted(told) == ["early", "later"]


def test_a_deadline_that_is_moved_along_is_not_told(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []
    watch = watched(sweep, told, due_s=101)
    for _ in range(10):
        clock.now_s += 0.9
        watch.due_s = clock.now_s + 1
        sweep.tick()
    assert told == []
    clock.now_s += 1
    sweep.tick()
    assert told == ["told"]


def test_a_released_watch_is_never_told(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []
    watch = watched(sweep, told, due_s=101)
    assert len(sweep) == 1
    sweep.release(watch)
    sweep.release(watch)
    clock.now_s = 200
    sweep.tick()
    assert (told, len(sweep)) == ([], 0)


def test_whoever_is_told_may_set_the_next_moment(sweep: Sweep, clock: Clock) -> None:
    told: list[float] = []

    def expire() -> None:
        told.append(clock.now_s)
        watch.due_s = clock.now_s + 10

    watch = sweep.watch(expire)
    watch.due_s = 101
    for clock.now_s in (101.0, 105.0, 111.0, 120.0, 121.0):
        sweep.tick()
    assert told == [101, 111, 121]


def test_whoever_is_told_may_release_itself_and_begin_another(sweep: Sweep, clock: Clock) -> None:
    told: list[str] = []

    def expire() -> None:
        sweep.release(watch)
        watched(sweep, told, "another", due_s=clock.now_s)

    watch = sweep.watch(expire)
    watch.due_s = 101
    clock.now_s = 101
    sweep.tick()
    assert (told, len(sweep)) == ([], 1)
    sweep.tick()
    assert told == ["another"]


def test_other_checks_are_made_at_each_tick_with_its_time(sweep: Sweep, clock: Clock) -> None:
    first: list[float] = []
    second: list[float] = []
    sweep.also(first.append)
    sweep.also(second.append)
    sweep.tick()
    clock.now_s = 107
    sweep.tick()
    assert first == second == [100, 107]


async def test_sweeping_ticks_until_it_is_left() -> None:
    sweep, ticked = Sweep(), asyncio.Event()
    ticks: list[float] = []

    def check(now_s: float) -> None:
        ticks.append(now_s)
        if len(ticks) == 2:
            ticked.set()

    sweep.also(check)
    async with sweeping(sweep, interval_s=0.001):
        await ticked.wait()
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "sweep"] == []
