from __future__ import annotations

from datetime import timedelta

import pytest

from relay.errors import Blame
from relay.upstream.keyring import Key, KeyLimits, Keyring, KeyState, KeyStatus, RingMemory
from tests.upstream.keyring.test_ring import NOW


def state(key: Key, *blames: tuple[Blame, float | None], later_s: float = 0, calls: int = 0) -> KeyState:
    """Behind failures, and so many calls under way; as it is so much later."""
    ring = Keyring((key,), RingMemory(), strategy="round-robin", random=lambda: 0.0)
    for blame, wait_s in blames:
        slot = ring.take(NOW)
        assert slot is not None
        slot.failed(blame, wait_s, NOW)
        slot.free(NOW)
    for _ in range(calls):
        assert ring.take(NOW) is not None
    (found,) = ring.states(NOW + timedelta(seconds=later_s))
    return found


@pytest.mark.parametrize(
    ("key", "blames", "later_s", "calls", "status", "wait_s", "is_usable"),
    [
        (Key("k", "s"), [], 0, 0, "ready", None, True),
        (Key("k", "s", is_enabled=False), [], 0, 0, "disabled", None, False),
        (Key("k", "s", expires_at=NOW), [], 0, 0, "expired", None, False),
        (Key("k", "s"), [(Blame.KEY_LIMITED, 30)], 10, 0, "resting", 20, False),
        (Key("k", "s"), [(Blame.KEY_LIMITED, 30)], 30, 0, "ready", None, True),
        (Key("k", "s"), [(Blame.KEY_REFUSED, None)], 10, 0, "rejected", 50, False),
        (Key("k", "s"), [(Blame.KEY_REFUSED, None)], 60, 0, "rejected", 0, True),
        (Key("k", "s"), [(Blame.TARGET, None)], 1, 0, "doubted", 4, True),
        (Key("k", "s", limits=KeyLimits(max_parallel=1)), [], 0, 1, "limited", None, False),
        (Key("k", "s", limits=KeyLimits(rpm=1)), [], 20, 1, "limited", 41, False),
    ],
)
def test_a_key_has_the_first_status_that_holds(
    key: Key,
    blames: list[tuple[Blame, float | None]],
    later_s: float,
    calls: int,
    status: str,
    wait_s: float | None,
    is_usable: bool,
) -> None:
    found = state(key, *blames, later_s=later_s, calls=calls)
    assert (found.status, found.is_usable) == (KeyStatus(status), is_usable)
    assert found.wait_s == (None if wait_s is None else pytest.approx(wait_s))
    assert (found.in_flight, found.calls) == (calls, calls + len(blames))


def test_a_rejected_key_on_its_trial_waits_for_nobody_knows_what() -> None:
    ring = Keyring((Key("k", "s"),), RingMemory(), strategy="round-robin", random=lambda: 0.0)
    slot = ring.take(NOW)
    assert slot is not None
    slot.failed(Blame.KEY_REFUSED, None, NOW)
    slot.free(NOW)
    assert ring.take(NOW + timedelta(seconds=61)) is not None
    (found,) = ring.states(NOW + timedelta(seconds=61))
    assert (found.status, found.wait_s, found.is_usable) == (KeyStatus.REJECTED, None, False)
