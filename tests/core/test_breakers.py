"""Targets that fail rest, and come back by one trial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay import faults
from relay.core.breakers import (
    MAX_DOWN_S,
    MAX_OPEN_S,
    MAX_TARGETS,
    Breaker,
    BreakerMemory,
    BreakerRule,
    Breakers,
    BreakerState,
    Pass,
)
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
from relay.model import Target
from tests.core.fakes import NOW

RULE = BreakerRule(failures=3, window_s=30, open_s=10)
ONE, OTHER, ELSEWHERE = Target("up", "m"), Target("up", "n"), Target("other", "m")
BLAMES = st.sampled_from([Blame.TARGET, Blame.TARGET_DOWN, Blame.KEY_LIMITED, Blame.NOBODY])


def fault(blame: Blame) -> UpstreamError:
    """Laid to this; what concerns a key, or nobody, is an answer of the provider's."""
    status = None if blame in (Blame.TARGET, Blame.TARGET_DOWN) else 400
    return UpstreamError(ErrorFacts(500, "x", "x", "x"), Retry.NEVER, blame, upstream_status=status)


def at(after_s: float) -> datetime:
    return NOW + timedelta(seconds=after_s)


def breakers(rule: BreakerRule = RULE) -> Breakers:
    return Breakers(BreakerMemory(), lambda provider: rule)


def tried(found: Breakers, after_s: float, blame: Blame | None, target: Target = ONE) -> bool:
    """Whether a try was admitted, which then ended so; None: it served."""
    entry = found.enter(target, at(after_s))
    if entry is None:
        return False
    if blame is None:
        entry.served()
    else:
        entry.failed(fault(blame), at(after_s))
    entry.leave()
    return True


def course(found: Breakers, *tries: tuple[float, Blame | None]) -> list[bool]:
    return [tried(found, after_s, blame) for after_s, blame in tries]


def test_the_last_failures_within_the_window_count_whenever_the_first_was() -> None:
    found = breakers()
    failures = [(0, Blame.TARGET), (25, Blame.TARGET), (31, Blame.TARGET), (32, Blame.TARGET)]
    assert course(found, *failures, (33, None)) == [True] * 4 + [False]


def test_so_many_failures_in_a_row_open_it_for_a_while() -> None:
    found = breakers()
    failures = [(0, Blame.TARGET), (1, Blame.TARGET), (2, Blame.TARGET)]
    assert course(found, *failures, (3, None), (11.9, None), (12, None), (12, None)) == [True] * 3 + [False] * 2 + [
        True,
        True,
    ]


def test_a_good_answer_or_a_long_time_between_breaks_the_row() -> None:
    assert course(breakers(), *[(0, Blame.TARGET), (0, Blame.TARGET), (0, None)] * 5) == [True] * 15
    assert course(breakers(), *((20.0 * number, Blame.TARGET) for number in range(9))) == [True] * 9


def test_without_a_number_of_failures_it_never_opens() -> None:
    assert course(breakers(BreakerRule(0, 30, 10)), *[(0, Blame.TARGET)] * 50) == [True] * 50


def test_what_is_not_the_targets_fault_does_not_count() -> None:
    assert course(breakers(), *[(0, Blame.KEY_LIMITED), (0, Blame.KEY_REFUSED), (0, Blame.NOBODY)] * 5) == [True] * 15


@pytest.mark.parametrize(
    ("blame", "waits_s"),
    [
        (Blame.TARGET, [10, 20, 30, 40]),
        (Blame.TARGET_DOWN, [5, 10, 20, 40, MAX_DOWN_S, MAX_DOWN_S]),
    ],
)
def test_a_trial_that_fails_makes_it_rest_longer(blame: Blame, waits_s: Sequence[float]) -> None:
    found, now_s = breakers(BreakerRule(1, 30, 10)), 0.0
    for wait_s in waits_s:
        assert tried(found, now_s, blame)
        assert not tried(found, now_s + wait_s - 0.01, blame)
        now_s += wait_s
    assert tried(found, now_s, None)
    assert course(found, (now_s, None), (now_s, None)) == [True, True]


@pytest.mark.parametrize(("blame", "wait_s"), [(Blame.TARGET, 10), (Blame.TARGET_DOWN, 5)])
def test_calls_that_were_under_way_when_it_went_out_make_it_rest_no_longer(blame: Blame, wait_s: float) -> None:
    found = breakers()
    for entry in [found.enter(ONE, at(0)) for _ in range(50)]:
        assert entry is not None
        entry.failed(fault(blame), at(0))
        entry.leave()
    assert found.enter(ONE, at(wait_s - 0.01)) is None
    assert found.enter(ONE, at(wait_s)) is not None


def test_it_rests_no_longer_than_five_minutes() -> None:
    found, now_s = breakers(BreakerRule(1, 30, 200)), 0.0
    for _ in range(4):
        assert tried(found, now_s, Blame.TARGET)
        now_s += MAX_OPEN_S
    assert tried(found, now_s, None)


def test_one_call_at_a_time_tries_what_was_out() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    tried(found, 0, Blame.TARGET)
    trial = found.enter(ONE, at(10))
    assert trial is not None
    assert found.enter(ONE, at(10)) is None
    trial.leave()
    trial.leave()
    assert found.enter(ONE, at(10)) is not None


def test_a_provider_that_is_down_is_down_for_all_its_models_and_no_other() -> None:
    found = breakers()
    tried(found, 0, Blame.TARGET_DOWN)
    assert [found.enter(target, at(1)) is not None for target in (ONE, OTHER, ELSEWHERE)] == [False, False, True]


def test_one_model_that_fails_is_no_reason_against_another() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    tried(found, 0, Blame.TARGET)
    assert [found.enter(target, at(1)) is not None for target in (ONE, OTHER)] == [False, True]


def test_whoever_answers_at_all_is_there() -> None:
    found = breakers()
    tried(found, 0, Blame.TARGET_DOWN)
    entry = found.enter_anyway(ONE)
    entry.failed(fault(Blame.KEY_LIMITED), at(1))
    entry.leave()
    assert tried(found, 1, None)


@pytest.mark.parametrize("blame", [Blame.KEY_LIMITED, Blame.KEY_REFUSED, Blame.NOBODY])
def test_a_trial_that_is_answered_at_all_is_passed(blame: Blame) -> None:
    found = breakers(BreakerRule(1, 30, 10))
    tried(found, 0, Blame.TARGET)
    assert tried(found, 10, blame)
    assert [found.enter(ONE, at(10)) is not None for _ in range(2)] == [True, True]


def test_a_refusal_of_another_kind_does_not_break_the_row() -> None:
    found = breakers()
    assert course(found, *[(0, Blame.TARGET), (0, Blame.KEY_LIMITED)] * 3, (1, None)) == [True] * 5 + [False, False]


def test_a_fault_of_the_relays_own_says_nothing_of_the_target() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    tried(found, 0, Blame.TARGET)
    entry = found.enter(ONE, at(10))
    assert entry is not None
    entry.failed(faults.out_of_descriptors(), at(10))
    entry.leave()
    assert found.enter(ONE, at(10)) is not None
    assert found.enter(ONE, at(10)) is None  # Still by one at a time.


def test_a_call_stays_in_until_the_target_goes_out() -> None:
    found = breakers(BreakerRule(2, 30, 10))
    entry = found.enter_anyway(ONE)
    entry.failed(fault(Blame.TARGET), at(0))
    assert entry.is_still_in(at(0))
    entry.failed(fault(Blame.TARGET), at(0))
    assert not entry.is_still_in(at(0))


def states(found: Breakers, after_s: float) -> dict[str, BreakerState]:
    """Of the targets that are remembered."""
    return {target.model: state for target, state in found.of_targets(at(after_s))}


def test_what_has_failed_is_told_as_what_it_means_for_calls() -> None:
    found = breakers(BreakerRule(2, 30, 10))
    assert states(found, 0) == {}
    tried(found, 0, Blame.TARGET)
    assert states(found, 0) == {"m": BreakerState.CLOSED}
    tried(found, 0, Blame.TARGET)
    tried(found, 0, Blame.TARGET, OTHER)
    assert states(found, 9.9) == {"m": BreakerState.OPEN, "n": BreakerState.CLOSED}
    assert states(found, 10)["m"] is BreakerState.HALF_OPEN
    tried(found, 10, None)
    assert states(found, 10) == {"n": BreakerState.CLOSED}


def test_a_provider_that_is_down_is_told_apart_from_its_targets() -> None:
    found = breakers()
    tried(found, 0, Blame.TARGET_DOWN)
    assert states(found, 0) == {}
    told = [found.of_provider("up", at(after_s)) for after_s in (0, 4.9, 5)]
    assert told == [BreakerState.OPEN, BreakerState.OPEN, BreakerState.HALF_OPEN]
    assert found.of_provider("other", at(0)) is BreakerState.CLOSED


def test_a_stream_that_began_is_a_trial_passed_though_it_lasts() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    tried(found, 0, Blame.TARGET)
    stream = found.enter(ONE, at(10))
    assert stream is not None
    stream.began()
    assert [found.enter(ONE, at(11)) is not None for _ in range(3)] == [True] * 3
    stream.failed(fault(Blame.TARGET), at(12))
    assert found.enter(ONE, at(12)) is None


def test_the_end_of_another_call_does_not_end_a_trial() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    before = found.enter(ONE, at(0))
    tried(found, 0, Blame.TARGET)
    assert before is not None
    assert found.enter(ONE, at(10)) is not None
    before.leave()
    found.enter_anyway(ONE).leave()
    assert found.enter(ONE, at(10)) is None


def test_names_of_models_without_end_are_not_remembered_without_end() -> None:
    memory = BreakerMemory()
    found = Breakers(memory, lambda provider: RULE)
    for number in range(MAX_TARGETS + 50):
        assert tried(found, 0, None, Target("up", f"served-{number}"))
        assert tried(found, 0, Blame.NOBODY, Target("up", f"refused-{number}"))
    assert memory.targets == {}
    for number in range(MAX_TARGETS + 50):
        assert tried(found, 0, Blame.TARGET, Target("up", f"failed-{number}"))
    assert len(memory.targets) == MAX_TARGETS


def test_a_trial_is_passed_by_any_call_that_is_answered() -> None:
    found = breakers(BreakerRule(1, 30, 10))
    before = found.enter(ONE, at(0))
    tried(found, 0, Blame.TARGET)
    trial = found.enter(ONE, at(10))
    assert before is not None
    assert trial is not None
    assert found.enter(ONE, at(10)) is None
    before.failed(fault(Blame.KEY_LIMITED), at(10))
    assert found.enter(ONE, at(10)) is not None
    tried(found, 11, Blame.TARGET)
    assert found.enter(ONE, at(21)) is not None
    trial.leave()
    assert found.enter(ONE, at(21)) is None


class Course(RuleBasedStateMachine):
    """Any course of tries: nobody is admitted while it is out, and trials are one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.memory = BreakerMemory()
        self.found = Breakers(self.memory, lambda provider: RULE)
        self.inside: list[Pass] = []
        self.trials: list[tuple[Breaker, Pass]] = []

    @rule(whom=st.sampled_from([ONE, OTHER, ELSEWHERE]))
    def come(self, whom: Target) -> None:
        were_out = [breaker for breaker in self.memory.found(whom) if breaker.openings]
        entry = self.found.enter(whom, at(self.now_s))
        if entry is not None:
            assert entry.is_still_in(at(self.now_s))
            for breaker in were_out:
                assert not any(tried is breaker for tried, _ in self.trials)
                self.trials.append((breaker, entry))
            self.inside.append(entry)

    @rule(data=st.data(), blame=st.none() | BLAMES)
    def go(self, data: st.DataObject, blame: Blame | None) -> None:
        if self.inside:
            entry = self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
            if blame is None:
                entry.served()
            else:
                entry.failed(fault(blame), at(self.now_s))
            entry.leave()
            self.trials = [(breaker, trial) for breaker, trial in self.trials if trial is not entry]

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @invariant()
    def it_comes_back(self) -> None:
        later = at(self.now_s + MAX_OPEN_S)
        if not self.inside:
            entry = self.found.enter(ONE, later)
            assert entry is not None
            entry.leave()


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
