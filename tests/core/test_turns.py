"""Whose turn it is, where calls wait for keys."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import timedelta

import pytest

from relay.core.means import Clocks, Means, Memory, means_of
from relay.core.trail import Trail
from relay.core.turns import Turn, Turns
from relay.core.waiting_line import Place, WaitingLines
from relay.errors import Blame
from relay.model import Target
from relay.upstream.providers import build
from tests.config.parsing import configured
from tests.core.fakes import DONE, HANG, NOW, FakeCall, FakeTransport, asked, chunk, relay_of

CONFIG = """
key_selection: {queue: 1h}
providers:
  one: {base_url: 'http://one.test/v1', keys: [{key: sk-1, max_parallel: 1}]}
  free: {base_url: 'http://free.test/v1', keys: [{key: sk-2}]}
  two: {base_url: 'http://two.test/v1', max_parallel: 1}
model_routing: {aliases: {both: {targets: [m@one, m@two], hedge: {after: p95}}}}
"""
ONE, TWO, FREE = Target("one", "m"), Target("two", "m"), Target("free", "m")


class Stage:
    """Providers of which two may have one call each."""

    def __init__(self, queue_s: float = 3600) -> None:
        config = configured(CONFIG)
        clocks = Clocks(lambda: NOW, lambda: 0.0, lambda: 0.0, asyncio.sleep)
        self.memory = Memory()
        self.means: Means = means_of(config, build(config), self.memory, clocks)
        self.lines = WaitingLines()
        self.turns = Turns(self.means, clocks, self.lines, queue_s)

    def coming(self, *targets: Target) -> asyncio.Task[Turn]:
        return asyncio.create_task(self.turns.turn(targets))


async def so_far(*tasks: asyncio.Task[Turn]) -> list[bool]:
    """Whose turn it is by now."""
    for _ in range(10):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_nobody_gets_a_turn_before_the_one_in_front_has_left_its_place() -> None:
    stage = Stage()
    first, second = stage.coming(ONE), stage.coming(ONE)
    assert await so_far(first, second) == [True, False]
    first.result().place.leave()
    first.result().place.leave()
    assert await so_far(second) == [True]


async def test_without_a_queue_everybody_has_a_turn() -> None:
    assert (Stage(queue_s=0).turns.are_taken, Stage(queue_s=0.5).turns.are_taken) == (False, True)


@pytest.mark.parametrize("where", [ONE, TWO])
async def test_a_call_goes_on_once_any_of_its_targets_is_free(where: Target) -> None:
    stage = Stage()
    slot = stage.means.keyrings["one"].take(NOW)
    loads = {target: stage.memory.meters.begin(target, NOW.timestamp()) for target in (ONE, TWO)}
    waiting = stage.coming(ONE, TWO)
    assert await so_far(waiting) == [False]
    if where == ONE and slot is not None:
        slot.free(NOW)
    loads[where].end()
    assert await so_far(waiting) == [True]


async def test_a_call_goes_on_once_a_key_that_was_tried_has_shown_that_it_works() -> None:
    stage = Stage()
    before, keyring = NOW - timedelta(seconds=60), stage.means.keyrings["free"]
    refused = keyring.take(before)
    assert refused is not None
    refused.failed(Blame.KEY_REFUSED, None, before)
    refused.free(before)
    slot, load = keyring.take(NOW), stage.memory.meters.begin(FREE, NOW.timestamp())
    assert slot is not None
    stage.memory.meters.begin(TWO, NOW.timestamp())
    waiting = stage.coming(FREE, TWO)
    assert await so_far(waiting) == [False]
    slot.served()
    load.ease()
    assert await so_far(waiting) == [True]


async def test_a_call_passes_by_those_who_wait_for_a_key_that_it_does_not_need() -> None:
    stage = Stage()
    load = stage.memory.meters.begin(TWO, NOW.timestamp())
    waiting, passing = stage.coming(TWO), stage.coming(TWO, FREE)
    assert await so_far(waiting, passing) == [False, True]
    assert passing.result().targets == (FREE, TWO), "the key that is freed next is not its own"
    passing.result().place.leave()
    load.end()
    assert await so_far(waiting) == [True]


async def test_a_call_that_waits_behind_others_goes_on_where_it_is_first() -> None:
    stage = Stage()
    slot = stage.means.keyrings["one"].take(NOW)
    loads = [stage.memory.meters.begin(target, NOW.timestamp()) for target in (ONE, TWO)]
    ahead, both = stage.coming(TWO), stage.coming(TWO, ONE)
    assert await so_far(ahead, both) == [False, False]
    assert slot is not None
    slot.free(NOW)
    loads[0].end()
    assert await so_far(ahead, both) == [False, True]
    assert both.result().targets == (ONE, TWO)


async def test_a_call_looks_again_when_its_key_is_free_though_others_are_served_elsewhere() -> None:
    naps: list[float | None] = []
    stage = Stage()
    ahead = Place([stage.lines.of("two")])
    slot = stage.means.keyrings["one"].take(NOW)
    assert slot is not None
    slot.failed(Blame.KEY_LIMITED, 5, NOW)
    slot.free(NOW)

    async def wait(place: Place, longest_s: float) -> None:
        naps.append(longest_s)
        ahead.leave()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Place, "wait", wait)
        turn = await stage.turns.turn((ONE, TWO))
    assert (naps, turn.targets[0]) == ([5.0], TWO), "not the hour that the queue lasts"


async def test_whoever_leaves_the_line_leaves_its_place() -> None:
    stage = Stage()
    load = stage.memory.meters.begin(TWO, NOW.timestamp())
    leaving, staying = stage.coming(TWO), stage.coming(TWO)
    assert await so_far(leaving, staying) == [False, False]
    leaving.cancel()
    load.end()
    assert await so_far(leaving, staying) == [True, True]
    staying.result().place.leave()
    assert len(stage.lines) == 0


async def test_a_call_that_may_be_made_twice_has_its_key_before_the_next_one_looks() -> None:
    memory = Memory()
    for _ in range(20):
        memory.meters.first_token(ONE, 60, (NOW - timedelta(seconds=1)).timestamp())
    load = memory.meters.begin(TWO, NOW.timestamp())
    one = FakeTransport(FakeCall(chunk("a"), DONE), FakeCall(chunk("b"), HANG))
    relay = relay_of(CONFIG, {"one": one, "two": FakeTransport()}, memory)
    twice = asyncio.create_task(relay.open(asked(model="both", stream=True), Trail()))
    behind = asyncio.create_task(relay.open(asked(model="m@one", stream=True), Trail()))
    answer = await twice
    assert (len(one.requests), behind.done()) == (1, False)
    load.end()
    answer.close()  # type: ignore[union-attr]
    await behind


async def test_what_is_remembered_of_providers_keeps_no_configuration() -> None:
    stage = Stage()
    turns = weakref.ref(stage.turns)
    del stage.turns
    gc.collect()
    assert turns() is None
