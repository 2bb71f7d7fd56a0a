"""What a provider's answers make of a key."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from relay.errors import Blame
from relay.upstream.keyring.standing import MAX_REST_S, Standing

LIMITED, SPENT, REFUSED = Blame.KEY_LIMITED, Blame.KEY_SPENT, Blame.KEY_REFUSED


def after(*blames: tuple[Blame, float | None]) -> Standing:
    standing = Standing()
    for blame, wait_s in blames:
        standing.blamed(blame, wait_s, 1000.0, cooldown_s=60)
    return standing


@pytest.mark.parametrize(
    ("blames", "rest_s"),
    [
        ([(LIMITED, 7)], 7),
        ([(LIMITED, 0)], 0),
        ([(LIMITED, 9999)], MAX_REST_S),
        ([(LIMITED, None)], 60),
        ([(LIMITED, None)] * 50, 60),
        ([(LIMITED, None), (LIMITED, 1)], 60),
        ([(SPENT, None)], MAX_REST_S),
        ([(SPENT, 30)], 30),
        ([(REFUSED, None)], 60),
        ([(REFUSED, None)] * 50, 60),
        ([(Blame.TARGET, 30), (Blame.TARGET_DOWN, None), (Blame.NOBODY, None)], 0),
    ],
)
def test_a_key_rests_for_as_long_as_its_refusal_asks(blames: Sequence[tuple[Blame, float | None]], rest_s: int) -> None:
    assert max(after(*blames).rests_until_s - 1000, 0) == rest_s


def test_a_refused_key_is_rejected_until_it_serves() -> None:
    standing = after((REFUSED, None), (LIMITED, None))
    assert standing.is_rejected
    standing.praised()
    assert (standing.is_rejected, standing.limited) == (False, 0)
    standing.blamed(LIMITED, None, 5000.0, cooldown_s=60)
    assert standing.rests_until_s == 5060.0


@pytest.mark.parametrize("blame", [LIMITED, REFUSED])
def test_it_rests_longer_each_time_that_it_comes_back_in_vain_and_not_for_each_call_of_one_wave(blame: Blame) -> None:
    standing, now_s, rests_s = Standing(), 1000.0, []
    for _ in range(9):
        for _ in range(20):  # All of them were under way when the first was refused.
            standing.blamed(blame, None, now_s, cooldown_s=60)
        rests_s.append(standing.rests_until_s - now_s)
        now_s = standing.rests_until_s
    assert rests_s == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_wave_of_faults_is_one_reason_for_doubt() -> None:
    standing = Standing()
    for _ in range(20):
        standing.blamed(Blame.TARGET, None, 1000.0, cooldown_s=60)
    assert standing.doubted_until_s == 1005.0
