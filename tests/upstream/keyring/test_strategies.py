"""Which of several keys serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Blame
from relay.upstream.keyring import Keyring, RingMemory
from relay.upstream.keyring.key import Key
from relay.upstream.keyring.strategies import STRATEGIES, Choice, Cursor, round_robin

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ring(*labels: str, weights: Mapping[str, int] | None = None) -> list[Key]:
    return [Key(label, f"secret-of-{label}", weight=(weights or {}).get(label, 1)) for label in labels]


def choice(
    keys: list[Key],
    cursor: Cursor | None = None,
    *,
    candidates: list[Key] | None = None,
    busy: Mapping[str, int] | None = None,
    random: Callable[[], float] = lambda: 0.0,
) -> Choice:
    places = {key.label: place for place, key in enumerate(keys)}
    in_flight = (busy or {}).get
    return Choice(places, candidates or keys, cursor or Cursor(), lambda key: in_flight(key.label, 0), random)


def served(strategy: str, keys: list[Key], calls: int, cursor: Cursor | None = None) -> str:
    """The labels that so many calls get."""
    cursor, labels = cursor or Cursor(), []
    for _ in range(calls):
        cursor.last_label = STRATEGIES[strategy](choice(keys, cursor)).label
        labels.append(cursor.last_label)
    return "".join(labels)


@pytest.mark.parametrize(
    ("last", "candidates", "expected"),
    [(None, "abc", "a"), ("a", "abc", "b"), ("c", "abc", "a"), ("a", "ac", "c"), ("b", "a", "a"), ("gone", "bc", "b")],
)
def test_round_robin_takes_the_next_behind_the_last(last: str | None, candidates: str, expected: str) -> None:
    keys = ring("a", "b", "c")
    left = [key for key in keys if key.label in candidates]
    assert STRATEGIES["round-robin"](choice(keys, Cursor(last), candidates=left)).label == expected


@given(count=st.integers(1, 12), calls=st.integers(0, 60), last=st.sampled_from([None, "0", "3", "gone"]))
def test_round_robin_gives_all_the_same_share_give_or_take_one(count: int, calls: int, last: str | None) -> None:
    cursor, keys = Cursor(last), ring(*map(str, range(count)))
    shares = Counter({key.label: 0 for key in keys})
    for _ in range(calls):
        cursor.last_label = STRATEGIES["round-robin"](choice(keys, cursor)).label
        shares[cursor.last_label] += 1
    assert max(shares.values()) - min(shares.values()) <= 1


@pytest.mark.parametrize(("random", "expected"), [(0.0, "a"), (0.34, "b"), (0.999, "c")])
def test_random_takes_any(random: float, expected: str) -> None:
    assert STRATEGIES["random"](choice(ring("a", "b", "c"), random=lambda: random)).label == expected


def test_weighted_serves_by_weight_and_evenly_spread() -> None:
    assert served("weighted", ring("a", "b", "c", weights={"a": 5}), 14) == "aabacaaaabacaa"


def test_a_weight_of_nothing_serves_when_there_is_no_other() -> None:
    keys = ring("a", "b", weights={"a": 0})
    assert served("weighted", keys, 4) == "bbbb"
    assert served("weighted", keys[:1], 2) == "aa"


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_weighted_gives_each_exactly_its_weight_in_a_round(weights: list[int]) -> None:
    keys = [Key(str(number), "x", weight=weight) for number, weight in enumerate(weights)]
    shares = Counter(served("weighted", keys, sum(weights)))
    assert shares == {str(number): weight for number, weight in enumerate(weights)}


def test_least_busy_takes_whom_fewest_calls_wait_for_and_then_the_next_in_turn() -> None:
    keys = ring("a", "b", "c")
    least_busy = STRATEGIES["least-busy"]
    assert least_busy(choice(keys, busy={"a": 2, "b": 1, "c": 3})).label == "b"
    assert least_busy(choice(keys, Cursor("a"), busy={"b": 5})).label == "c"


@given(
    labels=st.lists(st.sampled_from("abcdef"), unique=True, min_size=1),
    last=st.sampled_from(["a", "c", "f", "gone"]),
    tried=st.sets(st.sampled_from("abcdef")),
    doubted=st.sets(st.sampled_from("abcdef")),
)
def test_the_ring_finds_what_round_robin_would_choose_among_all(
    labels: list[str], last: str, tried: set[str], doubted: set[str]
) -> None:
    keys = tuple(Key(label, "s") for label in labels)
    memory = RingMemory()
    rotating = Keyring(keys, memory, strategy="round-robin", random=lambda: 0.0)
    for label in doubted & set(labels):
        memory.keys[label].standing.blamed(Blame.TARGET, None, NOW.timestamp(), cooldown_s=60)
    memory.cursor.last_label = last
    candidates = [key for key in keys if key.label not in tried]
    trusted = [key for key in candidates if key.label not in doubted]
    places = {key.label: place for place, key in enumerate(keys)}
    among = Choice(places, trusted or candidates, Cursor(last_label=last), lambda key: 0, lambda: 0.0)
    slot = rotating.take(NOW, tried)
    assert (slot.key if slot else None) == (round_robin(among) if candidates else None)
