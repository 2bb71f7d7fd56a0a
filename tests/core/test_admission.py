"""Slots for calls and bytes of bodies: first come, first served, and nothing is ever lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from relay.core.admission import Admission, AdmissionRule, BodyBudget
from relay.errors import Overloaded


def admission(*, max_in_flight: int = 1, queue_size: int = 10, queue_timeout_s: float = 60) -> Admission:
    return Admission(AdmissionRule(max_in_flight, queue_size, queue_timeout_s))


async def turn() -> None:
    """Let everything that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def waiters(slots: Admission, count: int) -> list[asyncio.Task[None]]:
    """Calls that stand in line, in order."""
    tasks = [asyncio.create_task(slots.enter()) for _ in range(count)]
    await turn()
    return tasks


def entered(tasks: list[asyncio.Task[None]]) -> list[bool]:
    return [task.done() and not task.cancelled() for task in tasks]


async def test_calls_up_to_the_limit_enter_at_once() -> None:
    slots = admission(max_in_flight=2)
    await slots.enter()
    await slots.enter()
    assert (slots.in_flight, slots.waiting) == (2, 0)


async def test_one_more_waits_until_one_leaves() -> None:
    slots = admission()
    await slots.enter()
    (waiter,) = await waiters(slots, 1)
    assert (waiter.done(), slots.waiting) == (False, 1)
    slots.leave()
    await waiter
    assert (slots.in_flight, slots.waiting) == (1, 0)


async def test_the_line_is_served_in_the_order_in_which_it_was_joined() -> None:
    slots = admission()
    await slots.enter()
    line = await waiters(slots, 3)
    for served in range(1, 4):
        slots.leave()
        await turn()
        assert entered(line) == [True] * served + [False] * (3 - served)


async def test_a_newcomer_does_not_overtake_one_whose_turn_has_just_come() -> None:
    slots = admission()
    await slots.enter()
    (first,) = await waiters(slots, 1)
    slots.leave()
    (newcomer,) = await waiters(slots, 1)
    assert entered([first, newcomer]) == [True, False]
    slots.leave()
    await newcomer


async def test_a_full_line_is_an_overload_that_names_its_option() -> None:
    slots = admission(queue_size=1)
    await slots.enter()
    (waiter,) = await waiters(slots, 1)
    with pytest.raises(Overloaded, match=r"server\.max_in_flight.* 1 wait"):
        await slots.enter()
    slots.leave()
    await waiter
    assert slots.in_flight == 1


async def test_without_a_line_the_next_is_an_overload_at_once() -> None:
    slots = admission(queue_size=0)
    await slots.enter()
    with pytest.raises(Overloaded):
        await slots.enter()
    assert (slots.in_flight, slots.waiting) == (1, 0)


async def test_whoever_waits_past_the_deadline_is_refused_and_no_longer_in_line() -> None:
    slots = admission(queue_timeout_s=0.01)
    await slots.enter()
    with pytest.raises(Overloaded, match=r"server\.queue"):
        await slots.enter()
    assert (slots.in_flight, slots.waiting) == (1, 0)
    slots.leave()
    assert slots.in_flight == 0


async def test_a_turn_that_comes_in_the_moment_of_the_deadline_goes_to_the_next() -> None:
    slots = admission(queue_timeout_s=0)
    await slots.enter()
    late = asyncio.create_task(slots.enter())
    await asyncio.sleep(0)  # It stands in line, and its deadline has passed, though it has not been told.
    slots.leave()
    with pytest.raises(Overloaded):
        await late
    assert (slots.in_flight, slots.waiting) == (0, 0)


async def test_a_call_that_is_cancelled_in_line_is_passed_over() -> None:
    slots = admission()
    await slots.enter()
    first, second = await waiters(slots, 2)
    first.cancel()
    await turn()
    assert slots.waiting == 1
    slots.leave()
    await turn()
    assert entered([first, second]) == [False, True]


async def test_a_call_that_is_cancelled_in_the_moment_of_its_turn_hands_it_on() -> None:
    slots = admission()
    await slots.enter()
    first, second = await waiters(slots, 2)
    slots.leave()
    first.cancel()
    await turn()
    assert (first.cancelled(), second.done(), slots.in_flight) == (True, True, 1)


async def test_a_turn_is_not_given_to_a_call_that_was_cancelled_a_moment_before() -> None:
    slots = admission()
    await slots.enter()
    first, second = await waiters(slots, 2)
    first.cancel()
    slots.leave()
    await turn()
    assert (first.cancelled(), second.done(), slots.in_flight) == (True, True, 1)


async def test_a_cancelled_last_one_gives_its_slot_back() -> None:
    slots = admission()
    await slots.enter()
    (only,) = await waiters(slots, 1)
    slots.leave()
    only.cancel()
    await turn()
    assert (slots.in_flight, slots.waiting) == (0, 0)


async def held(slots: Admission, released: asyncio.Event) -> None:
    """One call: in, until it is told or cancelled, and out."""
    await slots.enter()
    try:
        await released.wait()
    finally:
        slots.leave()


@pytest.mark.parametrize("seed", range(5))
async def test_ten_thousand_calls_that_end_in_every_way_leave_no_slot_taken(seed: int) -> None:
    dice, slots = random.Random(seed), admission(max_in_flight=5, queue_size=8, queue_timeout_s=0.002)
    calls: list[tuple[asyncio.Task[None], asyncio.Event]] = []
    seen_most = 0

    def come() -> None:
        released = asyncio.Event()
        calls.append((asyncio.create_task(held(slots, released)), released))

    def release() -> None:
        dice.choice(calls)[1].set()

    def cancel() -> None:
        dice.choice(calls)[0].cancel()

    steps: list[Callable[[], None]] = [come, come, release, cancel]
    ended: set[asyncio.Task[None]] = set()
    for _ in range(10_000):
        (dice.choice(steps) if calls else come)()
        if dice.random() < 0.4:
            await asyncio.sleep(0)
            ended |= {task for task, _ in calls if task.done()}
            calls = [call for call in calls if not call[0].done()]
        seen_most = max(seen_most, slots.in_flight)
    for task, released in calls:
        released.set()
        ended.add(task)
    results = await asyncio.gather(*ended, return_exceptions=True)
    assert {type(result) for result in results} == {type(None), asyncio.CancelledError, Overloaded}
    assert (slots.in_flight, slots.waiting, seen_most) == (0, 0, 5)


def test_bodies_are_counted_up_to_the_limit_and_not_beyond() -> None:
    budget = BodyBudget(10)
    budget.take(4)
    budget.take(6)
    with pytest.raises(Overloaded, match=r"10 bytes.*server\.max_buffered"):
        budget.take(1)
    assert budget.held_bytes == 10


def test_a_body_that_found_no_room_holds_none() -> None:
    budget = BodyBudget(10)
    with pytest.raises(Overloaded):
        budget.take(11)
    assert budget.held_bytes == 0


def test_what_is_given_back_can_be_taken_again() -> None:
    budget = BodyBudget(10)
    budget.take(10)
    budget.give_back(3)
    budget.take(3)
    budget.give_back(10)
    assert budget.held_bytes == 0
