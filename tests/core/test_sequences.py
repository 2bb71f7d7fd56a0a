"""Whatever happens in whatever order: no rule of docs/routing.md is broken, and nothing stays behind.

Each sequence is made from its number (see tests/core/sequences). Played again, it is the same; one that breaks a rule
is told with as few of its steps as it takes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from tests.core.sequences.course import ACTS, Course
from tests.core.sequences.model_calls import Move
from tests.support.virtual_time import VirtualLoop

LENGTHS = (5, 10, 20, 40)
"""Steps of a sequence."""
MET = (
    "calls", "requests", "failures", Move.FRESH.value, Move.KEY.value, Move.TARGET.value, "the second of two at a time",
    "trials of keys", "trials of targets", "streams that broke", "calls that paused", "calls that waited in line",
    "clients that left", *(act.__name__ for act in ACTS),
)  # fmt: skip
"""What must have happened, if the proof is to say anything."""
figures = logging.getLogger("proof")


def played(number: int, steps: Sequence[int]) -> Course:
    """A sequence that has been played to its end."""

    async def play() -> Course:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        course = Course(loop, number, steps)
        await course.run()
        return course

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(play())


def steps_of(number: int) -> Sequence[int]:
    return range(Random(number).choice(LENGTHS))


def shortened(number: int, steps: Sequence[int]) -> Course:
    """The same with as few of its steps as still lead to an objection."""
    shortest = played(number, steps)
    for step in reversed(steps):
        fewer = [other for other in steps if other != step]
        course = played(number, fewer)
        if course.model.objections:
            shortest, steps = course, fewer
    return shortest


def told(course: Course) -> str:
    """What happened, and what is wrong with it."""
    return "\n".join([*course.story, "", *course.model.objections])


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_no_sequence_breaks_a_rule_and_none_leaves_anything_behind(
    proof_count: Callable[[int], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "relay")  # Each failure has a line, and there are many.
    met = Counter[str]()
    for number in range(proof_count(10_000)):
        course = played(number, steps_of(number))
        if course.model.objections:
            pytest.fail(f"sequence {number}:\n{told(shortened(number, steps_of(number)))}")
        met += course.model.met
    figures.info("in %d sequences: %s", proof_count(10_000), dict(met))
    assert [what for what in MET if not met[what]] == []


def test_a_sequence_is_the_same_each_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "relay")
    assert told(played(9, steps_of(9))) == told(played(9, steps_of(9)))
