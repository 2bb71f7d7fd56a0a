"""Two calls for one answer, in the books: who is told, what is learned, and from whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from relay import faults
from relay.core.breakers import Breaker
from relay.core.means import Memory
from relay.core.relay import Relay
from relay.core.trail import Trail
from relay.errors import UpstreamError
from relay.model import Target
from relay.upstream.transport import UpstreamCall, UpstreamRequest
from tests.core.fakes import DONE, HANG, JSON_TYPE, NOW, FakeCall, FakeTransport, asked, chunk, relay_of, stream_of

CONFIG = """
providers:
  one: {base_url: 'http://one.test/v1', keys: [{key: sk-1, label: k1}]}
  two: {base_url: 'http://two.test/v1', keys: [{key: sk-2, label: k2}]}
model_routing: {aliases: {both: {targets: [m@one, m@two], hedge: {after: p95}}}}
"""
ONE, TWO = Target("one", "m"), Target("two", "m")


class Together(FakeTransport):
    """Answers only once as many calls as there are parties wait for it."""

    def __init__(self, barrier: asyncio.Barrier, *answers: FakeCall | Exception) -> None:
        super().__init__(*answers)
        self._barrier = barrier

    async def send(self, request: UpstreamRequest, /) -> UpstreamCall:
        await self._barrier.wait()
        return await super().send(request)


def measured(target: Target = ONE, took_s: float = 0) -> Memory:
    """Enough streams of a target to know what is late."""
    memory = Memory()
    for _ in range(20):
        memory.meters.first_token(target, took_s, NOW.timestamp())
    return memory


def racing(one: Sequence[FakeCall | Exception], two: Sequence[FakeCall | Exception], memory: Memory) -> Relay:
    """Both answer in the same moment."""
    barrier = asyncio.Barrier(2)
    return relay_of(CONFIG, {"one": Together(barrier, *one), "two": Together(barrier, *two)}, memory)


def told(trail: Trail) -> list[str]:
    return [attempt.target.provider for attempt in trail.attempts]


async def test_of_two_that_answer_at_once_the_one_that_is_taken_stands_last() -> None:
    trail, dropped = Trail(), FakeCall(chunk("b"), HANG)
    answer = stream_of(
        await racing([FakeCall(chunk("a"), HANG)], [dropped], measured()).open(asked(model="both", stream=True), trail)
    )
    assert (trail.target, told(trail)) == (ONE, ["two", "one"])
    assert dropped.is_closed
    answer.close()


async def test_a_conversation_stays_with_the_one_that_was_taken() -> None:
    memory = measured()
    messages = [{"role": "user", "content": "Hi"}]
    request = asked(model="both", stream=True, prompt_cache_key="c", messages=messages)
    relay = racing([FakeCall(chunk("a"), HANG)], [FakeCall(chunk("b"), HANG)], memory)
    stream_of(await relay.open(request, Trail())).close()
    assert [served.target for served in memory.affinity.served.values()] == [ONE]


async def test_where_neither_answers_the_one_whose_error_is_told_stands_last() -> None:
    trail = Trail()
    relay = racing([faults.unreachable()], [faults.disconnected()], measured())
    with pytest.raises(UpstreamError) as caught:
        await relay.open(asked(model="both", stream=True), trail)
    assert caught.value.facts.code == trail.attempts[-1].error == faults.unreachable().facts.code
    assert trail.target == ONE


async def test_what_is_late_is_told_by_the_target_that_is_asked() -> None:
    memory = measured(took_s=0)
    memory.breakers.providers["one"] = Breaker(openings=1, open_until_s=NOW.timestamp() + 60)
    relay = relay_of(CONFIG, {"one": FakeTransport(), "two": FakeTransport(FakeCall(chunk("b"), DONE))}, memory)
    trail = Trail()
    stream_of(await relay.open(asked(model="both", stream=True), trail)).close()
    assert told(trail) == ["two"], "nobody knows what is late there"


async def test_what_was_cancelled_since_it_was_late_is_known_to_be_slow() -> None:
    """Else only the quick ones are measured, and the time after which one is late shrinks and shrinks."""
    memory = measured()
    relay = relay_of(CONFIG, {"one": FakeTransport(HANG), "two": FakeTransport(FakeCall(chunk("b"), DONE))}, memory)
    stream_of(await relay.open(asked(model="both", stream=True), Trail())).close()
    slow_s = memory.meters.percentile_s(ONE, 100, NOW.timestamp())
    assert slow_s is not None
    assert slow_s > 0
    assert memory.meters.typical_s(TWO, NOW.timestamp()) is not None


async def test_a_loser_that_was_not_late_yet_tells_nothing() -> None:
    memory = measured()
    relay = racing([FakeCall(chunk("a"), HANG)], [FakeCall(HANG)], memory)
    stream_of(await relay.open(asked(model="both", stream=True), Trail())).close()
    assert memory.meters.typical_s(TWO, NOW.timestamp()) is None


async def test_a_plain_answer_that_is_too_large_to_be_held_is_no_measure_of_streams() -> None:
    memory = Memory()
    large = FakeCall(*[b" " * 2**20] * 40, b"{}", headers=JSON_TYPE)
    relay = relay_of(CONFIG, {"one": FakeTransport(large)}, memory)
    stream_of(await relay.open(asked(model="m@one"), Trail())).close()
    assert memory.meters.typical_s(ONE, NOW.timestamp()) is None
