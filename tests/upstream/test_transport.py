from __future__ import annotations

from relay.upstream.transport import Deadlines


def test_deadlines_within_a_time_are_cut_to_it() -> None:
    assert Deadlines(10, 120, 30, 1800).within(30) == Deadlines(10, 30, 30, 30)
