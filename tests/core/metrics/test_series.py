"""Counters and histograms: what they add up to, and that they end somewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally

from hypothesis import given
from hypothesis import strategies as st

from relay.core.metrics import Counter, Histogram, Series
from relay.core.metrics.series import MAX_SETS, MAX_SPREADS, OTHER

CALLS = Series("calls", "Calls.", ("endpoint", "provider", "model"))
BOUNDS = (0.1, 1, 10)


def test_a_counter_adds_up_by_labels() -> None:
    counter = Counter(CALLS)
    for model, amount in (("m", 1), ("n", 2), ("m", 3)):
        counter.add(("/v1", "up", model), amount)
    assert counter.totals == {("/v1", "up", "m"): 4, ("/v1", "up", "n"): 2}


def test_what_has_no_labels_is_there_from_the_start() -> None:
    assert Counter(Series("calls", "Calls.")).totals == {(): 0}
    assert Histogram(Series("seconds", "Seconds."), BOUNDS).spreads[()].counts == [0, 0, 0, 0]


def test_a_value_at_a_bound_is_up_to_it() -> None:
    histogram = Histogram(Series("seconds", "Seconds."), BOUNDS)
    for value in (0, 0.1, 0.11, 1, 10, 10.1, 1e9):
        histogram.observe((), value)
    assert histogram.spreads[()].counts == [2, 2, 1, 2]


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_loses_no_value(values: list[float]) -> None:
    histogram = Histogram(CALLS, BOUNDS)
    for value in values:
        histogram.observe(("/v1", "up", "m"), value)
    found = histogram.spreads.get(("/v1", "up", "m"))
    expected = Tally(bisect_left(BOUNDS, value) for value in values)
    assert (found.counts if found else [0] * 4) == [expected[place] for place in range(4)]
    assert (found.total if found else 0) == sum(values)


def test_a_copy_stays_as_it_was() -> None:
    counter, histogram = Counter(CALLS), Histogram(CALLS, BOUNDS)
    labels = ("/v1", "up", "m")
    counter.add(labels)
    histogram.observe(labels, 1)
    copies = counter.copy(), histogram.copy()
    counter.add(labels)
    histogram.observe(labels, 1)
    assert (copies[0].totals[labels], copies[1].spreads[labels].total) == (1, 1)
    assert (copies[0].series, copies[1].series, copies[1].bounds) == (CALLS, CALLS, BOUNDS)


def test_more_models_than_are_remembered_are_counted_together_and_the_rest_stays_apart() -> None:
    counter = Counter(CALLS, max_sets=40)
    for number in range(100):
        counter.add(("/v1", "up", f"m{number}"))
        counter.add(("/v2", "up", f"m{number}"))
    assert (counter.totals["/v1", OTHER, OTHER], counter.totals["/v2", OTHER, OTHER]) == (82, 82)
    assert len(counter.totals) == 38
    assert sum(counter.totals.values()) == 200


def test_the_sets_that_there_were_first_are_still_counted() -> None:
    counter = Counter(CALLS, max_sets=10)
    for number in range(100):
        counter.add(("/v1", "up", f"m{number}"))
    counter.add(("/v1", "up", "m0"))
    assert counter.totals["/v1", "up", "m0"] == 2


TEXT = st.text(max_size=3)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=60), st.integers(2, 12))
def test_never_more_sets_than_the_bound_and_nothing_uncounted(added: list[tuple[str, str, str]], bound: int) -> None:
    counter, histogram = Counter(CALLS, max_sets=bound), Histogram(CALLS, BOUNDS, max_sets=bound)
    for labels in added:
        counter.add(labels)
        histogram.observe(labels, 1)
    assert len(counter.totals) <= bound
    assert sum(counter.totals.values()) == len(added)
    assert set(histogram.spreads) == set(counter.totals)
    assert sum(spread.total for spread in histogram.spreads.values()) == len(added)


def test_the_bounds_hold_without_being_named() -> None:
    counter, histogram = Counter(CALLS), Histogram(CALLS, BOUNDS)
    for number in range(MAX_SETS + 1000):
        counter.add((str(number), "up", "m"))
        histogram.observe((str(number), "up", "m"), 1)
    assert (len(counter.totals), len(histogram.spreads)) == (MAX_SETS, MAX_SPREADS)
