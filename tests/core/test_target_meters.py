from __future__ import annotations

from relay.core.target_meters import LATELY_S, MAX_TARGETS, MIN_SAMPLES, TRIED_AGAIN_S, TargetMeters
from relay.model import Target

A, B = Target("p", "a"), Target("p", "b")


def test_calls_are_counted_while_they_are_under_way_and_once() -> None:
    meters = TargetMeters()
    first, second = meters.begin(A, 0), meters.begin(A, 0)
    assert (meters.busy(A), meters.busy(B)) == (2, 0)
    first.end()
    first.end()
    assert meters.busy(A) == 1
    second.end()
    assert meters.busy(A) == 0


def test_the_typical_time_is_the_median_of_what_was_lately() -> None:
    meters = TargetMeters()
    assert meters.typical_s(A, 0) is None
    for number, took_s in enumerate((9.0, 1.0, 2.0)):
        meters.first_token(A, took_s, float(number))
    assert meters.typical_s(A, 2) == 2.0
    assert meters.typical_s(A, LATELY_S + 0.5) == 2.0, "of 1 and 2"
    assert meters.typical_s(A, LATELY_S + 2.5) is None
    assert meters.typical_s(B, 2) is None


def test_a_percentile_needs_enough_samples() -> None:
    meters = TargetMeters()
    for number in range(MIN_SAMPLES - 1):
        meters.first_token(A, float(number), 0)
    assert meters.percentile_s(A, 95, 0) is None
    meters.first_token(A, 100.0, 0)
    assert meters.percentile_s(A, 95, 0) == 18.0
    assert meters.percentile_s(A, 50, 0) == 9.0


def test_only_so_many_targets_are_remembered() -> None:
    meters = TargetMeters()
    loads = [meters.begin(Target("p", f"m{number}"), 0) for number in range(MAX_TARGETS)]
    loads[7].end()
    meters.first_token(Target("p", "m7"), 1.0, 0)
    meters.begin(A, 0)
    assert meters.typical_s(Target("p", "m7"), 0) is None, "nothing is under way there"
    assert [meters.busy(Target("p", f"m{number}")) for number in (0, 6, 8)] == [1, 1, 1]
    meters.begin(B, 0)
    assert (meters.busy(Target("p", "m0")), meters.busy(A)) == (0, 1), "there is something everywhere"
    loads[0].end()


def test_a_target_is_due_to_be_measured_by_one_call_and_again_after_a_while() -> None:
    meters = TargetMeters()
    assert meters.is_due(A, 0)
    load = meters.begin(A, 0)
    assert not meters.is_due(A, TRIED_AGAIN_S)
    load.end()
    assert [meters.is_due(A, now_s) for now_s in (TRIED_AGAIN_S - 1, TRIED_AGAIN_S)] == [False, True]
