"""What is kept of a key is what was known of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Blame
from relay.upstream.keyring import Key, KeyLimits, KeyMemory, Keyring, RingMemory
from relay.upstream.keyring.snapshot import read, written
from tests.upstream.keyring.test_ring import NOW

LIMITS = KeyLimits(rps=2, rpm=5, tpm=900, in_5h=7, in_1d=9, in_7d=11, quota=12)
KEY = Key("a", "secret-of-a", limits=LIMITS)
STEPS = st.lists(
    st.tuples(st.floats(0, 4000), st.sampled_from([None, *Blame]), st.none() | st.integers(0, 90), st.integers(0, 400)),
    max_size=25,
)


def again(memory: KeyMemory) -> KeyMemory:
    return read(memory.fingerprint, orjson.loads(orjson.dumps(written(memory))))


@given(STEPS)
def test_a_key_that_was_kept_may_be_used_when_it_might_have_been(
    steps: list[tuple[float, Blame | None, int | None, int]],
) -> None:
    ring, now = RingMemory(), NOW
    for gap_s, blame, wait_s, tokens in steps:
        now += timedelta(seconds=gap_s)
        slot = Keyring([KEY], ring, strategy="round-robin", random=lambda: 0.0).take(now)
        if slot is not None:
            slot.served() if blame is None else slot.failed(blame, wait_s, now)
            slot.free(now, tokens=tokens)
        kept = RingMemory(keys={label: again(memory) for label, memory in ring.keys.items()})
        shortages = [
            Keyring([KEY], one, strategy="round-robin", random=lambda: 0.0).shortage(now) for one in (ring, kept)
        ]
        assert shortages[0] == shortages[1]


def test_no_secret_is_kept() -> None:
    ring = RingMemory()
    Keyring([KEY], ring, strategy="round-robin", random=lambda: 0.0).take(NOW)
    assert KEY.secret not in f"{written(ring.keys['a'])} {ring.keys['a'].fingerprint}"
    assert len(ring.keys["a"].fingerprint) == 16


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"calls": 1},
        {"calls": "x", "calls_in": [], "tokens": [], "standing": {}},
        {"calls": 1, "calls_in": [[1]], "tokens": [], "standing": {}},
        {"calls": 1, "calls_in": [], "tokens": [[1, None]], "standing": {}},
        {"calls": 1, "calls_in": [], "tokens": [], "standing": []},
        {"calls": 1, "calls_in": 5, "tokens": [], "standing": {}},
        {"calls": float("inf"), "calls_in": [], "tokens": [], "standing": {}},
    ],
)
def test_what_is_no_memory_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"memory|literal|unpack"):
        read("f", document)
