"""Never more than the limit falls into any span of the window's length."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.keyring.window import BUCKETS, Window

SPAN_S = 60.0


def test_what_came_counts_until_it_is_out_of_the_window() -> None:
    window = Window(SPAN_S)
    window.add(2, 1000.0)
    window.add(3, 1030.0)
    assert [window.total(at_s) for at_s in (1030, 1059.9, 1062, 1092)] == [5, 5, 3, 0]


def test_it_tells_when_it_is_under_a_limit() -> None:
    window = Window(SPAN_S)
    assert window.free_at_s(2, 1000.0) == 1000.0
    window.add(1, 1000.0)
    window.add(1, 1010.0)
    assert window.free_at_s(3, 1010.0) == 1010.0
    assert window.free_at_s(2, 1010.0) == pytest.approx(1061.0, abs=SPAN_S / BUCKETS)
    assert window.free_at_s(1, 1010.0) == pytest.approx(1071.0, abs=SPAN_S / BUCKETS)


def test_amounts_may_be_taken_back_and_clocks_may_stand_still() -> None:
    window = Window(SPAN_S)
    window.add(5, 1000.0)
    window.add(-2, 1000.0)
    window.add(1, 990.0)
    assert (window.total(1000.0), window.total(1100.0)) == (4, 0)


@given(
    gaps=st.lists(st.floats(0, 40), max_size=80),
    limit=st.integers(1, 5),
    span_s=st.sampled_from([1.0, 60.0, 3.5]),
)
def test_who_waits_as_told_never_exceeds_a_limit(gaps: list[float], limit: int, span_s: float) -> None:
    window, came = Window(span_s), list[float]()
    for at_s in accumulate(gaps, initial=1_700_000_000.0):
        now_s = max(at_s, came[-1] if came else at_s)
        free_s = window.free_at_s(limit, now_s)
        assert now_s <= free_s <= now_s + span_s * (1 + 2 / BUCKETS)
        came.append(free_s)
        window.add(1, free_s)
        assert len([one for one in came if free_s - span_s < one <= free_s]) <= limit
