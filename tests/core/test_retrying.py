"""How often, and after how long, a provider is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import faults
from relay.core.retrying import RetryBudget, RetryRule
from relay.formats.registry import DIALECTS
from relay.formats.verdict import refused
from relay.model import Dialect
from tests.core.fakes import NOW

STATUSES = frozenset({429, 500, 503})


def rule(*, is_enabled: bool = True, max_retries: int = 2, factor: float = 1.5, longest_s: float = 2) -> RetryRule:
    return RetryRule(is_enabled, max_retries, STATUSES, factor, longest_s)


@pytest.mark.parametrize(
    ("status", "permits"),
    [
        (429, True),
        (500, True),
        (503, True),
        (502, False),
        (408, False),
        (401, True),
        (402, True),
        (400, False),
        (404, True),
    ],
)
def test_statuses_of_the_list_are_tried_again_and_what_concerns_a_key_or_a_model_is_always(
    status: int, permits: bool
) -> None:
    assert rule().permits(refused(status, b"", DIALECTS[Dialect.CHAT]), 1) is permits


def test_what_came_without_a_status_is_tried_again() -> None:
    assert all(rule().permits(fault(), 1) for fault in (faults.unreachable, faults.empty, faults.first_byte_timeout))
    assert not rule().permits(faults.total_timeout(), 1)


@pytest.mark.parametrize(("max_retries", "permitted"), [(0, [False, False]), (1, [True, False]), (2, [True, True])])
def test_no_more_often_than_the_provider_allows(max_retries: int, permitted: list[bool]) -> None:
    allowed = rule(max_retries=max_retries)
    assert [allowed.permits(faults.unreachable(), made) for made in (1, 2)] == permitted


def test_switched_off_nothing_is_tried_again() -> None:
    assert not rule(is_enabled=False).permits(faults.unreachable(), 1)


@pytest.mark.parametrize(
    ("made", "random", "delay_s"),
    [(1, 0.0, 0.1), (1, 1.0, 0.5), (2, 1.0, 0.75), (1, 0.5, 0.3), (9, 1.0, 2), (40, 1.0, 2)],
)
def test_the_wait_grows_and_is_by_chance(made: int, random: float, delay_s: float) -> None:
    assert rule().delay_s(made, lambda: random) == pytest.approx(delay_s)


def test_a_longest_wait_of_nothing_is_none() -> None:
    assert rule(longest_s=0).delay_s(1, lambda: 0.9) == 0


@given(made=st.integers(1, 50), random=st.floats(0, 0.999), longest_s=st.floats(0, 60), factor=st.floats(0, 10))
def test_no_wait_is_longer_than_the_longest(made: int, random: float, longest_s: float, factor: float) -> None:
    assert 0 <= rule(longest_s=longest_s, factor=factor).delay_s(made, lambda: random) <= max(longest_s, 0.1)


def spent(budget: RetryBudget, calls: int, per_call: int, seconds: int) -> list[int]:
    """Tries beyond the first, in each of so many seconds with so many calls that all want some."""
    by_second = []
    for second in range(seconds):
        made = 0
        for number in range(calls):
            now = NOW + timedelta(seconds=second + number / calls)
            budget.called(now)
            for _ in range(per_call):
                if budget.allows(now):
                    budget.spend(now)
                    made += 1
        by_second.append(made)
    return by_second


def test_a_fifth_of_many_calls_may_be_tried_again() -> None:
    by_second = spent(RetryBudget(), calls=1000, per_call=2, seconds=40)
    assert sum(by_second[10:]) <= 1.2 * 0.2 * 1000 * 30
    assert sum(by_second[20:]) >= 0.15 * 1000 * 20


def test_of_few_calls_three_in_a_second() -> None:
    assert sum(spent(RetryBudget(), calls=10, per_call=2, seconds=40)) == pytest.approx(3 * 40, abs=33)
    assert sum(spent(RetryBudget(), calls=1, per_call=2, seconds=40)) == 80
