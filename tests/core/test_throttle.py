"""How long failures keep the next try waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.throttle import MAX_DELAY, OF_ACCOUNT, OF_ADDRESS, counted, forgiven, group_of, wait_s
from relay.identity import NO_WAIT, Tries

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


NOTHING = Tries(0, NO_WAIT, NO_WAIT)


def after(count: int) -> Tries:
    known = NOTHING
    for _ in range(count):
        known = counted(known, NOW, OF_ACCOUNT)
    return known


@pytest.mark.parametrize(
    ("count", "expected_s"), [(0, 0), (9, 0), (10, 2), (11, 4), (12, 8), (18, 512), (19, 900), (99, 900)]
)
def test_ten_are_free_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour(count: int, expected_s: int) -> None:
    assert wait_s(after(count), NOW) == expected_s


def test_a_wait_passes() -> None:
    known = after(11)
    assert [wait_s(known, NOW + timedelta(seconds=second)) for second in (0, 0.5, 3.9, 4, 5)] == [4, 4, 1, 0, 0]


def test_failures_count_from_the_first_of_them_for_a_while() -> None:
    assert counted(after(9), NOW + OF_ACCOUNT.within, OF_ACCOUNT).count == 10
    assert counted(after(9), NOW + OF_ACCOUNT.within + timedelta(seconds=1), OF_ACCOUNT).count == 1


def test_now_and_then_a_failure_keeps_nobody_waiting() -> None:
    known, now = NOTHING, NOW
    for _ in range(100):
        now += OF_ADDRESS.within * 0.9
        known = counted(known, now, OF_ADDRESS)
        assert wait_s(known, now) == 0


def test_the_wait_itself_is_no_time_without_failures() -> None:
    known = after(19)
    assert counted(known, known.until, OF_ACCOUNT).count == 20


@given(count=st.integers(1, 60))
def test_what_is_forgiven_keeps_nobody_waiting(count: int) -> None:
    known = after(count)
    again = forgiven(known)
    assert (again.count, wait_s(again, NOW)) == (count - 1, 0)


@given(gaps=st.lists(st.floats(0, 2000), max_size=60))
def test_nobody_waits_longer_than_the_longest_wait(gaps: list[float]) -> None:
    known, now = NOTHING, NOW
    for gap in gaps:
        now += timedelta(seconds=gap)
        known = counted(known, now, OF_ADDRESS)
        assert 0 <= wait_s(known, now) <= MAX_DELAY.total_seconds()


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_address_of_ipv6_stands_for_its_network(address: str, group: str) -> None:
    assert group_of(address) == group
