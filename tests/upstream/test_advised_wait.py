"""Every form in which providers say how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.upstream.advised_wait import MAX_WAIT_S, advised_wait_s

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def wait_s(**headers: str) -> float | None:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return advised_wait_s(named, NOW)


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7),
        ({"Retry_After": " 7 "}, 7),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "86400"}, MAX_WAIT_S),
        ({"retry_after": "9" * 40}, MAX_WAIT_S),
        ({"retry_after": "Tue, 24 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry_after": "Tuesday, 24-Nov-26 12:00:30 GMT"}, 30),
        ({"retry_after": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry_after": "Tue, 24 Nov 2026 12:00:30 GMT", "date": "Tue, 24 Nov 2026 12:00:10 GMT"}, 20),
        ({"retry_after": "5", "date": "nonsense"}, 5),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "1e3"}, None),
        ({"retry_after": "9" * 65}, None),
        ({"retry_after_ms": "9" * 65}, None),
        ({"x_ratelimit_reset_requests": "20ms"}, 0.02),
        ({"x_ratelimit_reset_requests": "6m0s"}, 360),
        ({"x_ratelimit_reset_requests": "1h2m3.5s"}, MAX_WAIT_S),
        ({"x_ratelimit_reset_requests": "1m2.5s"}, 62.5),
        ({"x_ratelimit_reset": "12"}, 12),
        ({"x_ratelimit_reset": str(NOW_S + 40)}, 40),
        ({"x_ratelimit_reset": str((NOW_S + 40) * 1000)}, 40),
        ({"ratelimit_reset": "30"}, 30),
        ({"anthropic_ratelimit_tokens_reset": "2026-11-24T12:00:05Z"}, 5),
        ({"anthropic_ratelimit_tokens_reset": "2026-11-24T12:00:05"}, 5),
        ({"retry_after": "3", "x_ratelimit_reset": "50"}, 3),
    ],
)
def test_a_wait_is_read_in_each_form(headers: dict[str, str], expected_s: float | None) -> None:
    found = wait_s(**headers)
    assert found == (None if expected_s is None else pytest.approx(expected_s))


def test_the_longest_reset_counts_of_what_is_used_up() -> None:
    both = {"x_ratelimit_reset_requests": "1s", "x_ratelimit_reset_tokens": "30s"}
    assert wait_s(**both, x_ratelimit_remaining_requests="0", x_ratelimit_remaining_tokens="0") == 30
    assert wait_s(**both, x_ratelimit_remaining_requests="0", x_ratelimit_remaining_tokens="900") == 1


def test_the_shortest_reset_counts_where_nothing_says_what_is_left() -> None:
    assert wait_s(x_ratelimit_reset_requests="9s", x_ratelimit_reset_tokens="4s") == 4


def test_a_reset_of_what_is_left_says_nothing() -> None:
    assert wait_s(x_ratelimit_reset_requests="9s", x_ratelimit_remaining_requests="12") is None
    assert wait_s(x_ratelimit_reset_requests="9s", x_ratelimit_remaining_requests="some") is None


@given(
    st.dictionaries(
        st.sampled_from(["Retry-After", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining", "Date"]),
        st.text(max_size=80) | st.from_regex(r"[0-9.smhd:TZ-]{0,70}"),
    )
)
def test_whatever_is_sent_gives_a_wait_within_bounds_or_none(headers: dict[str, str]) -> None:
    found = advised_wait_s(CIMultiDict(headers), NOW)
    assert found is None or 0 <= found <= MAX_WAIT_S
