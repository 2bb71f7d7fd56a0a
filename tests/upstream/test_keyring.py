from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.keyring import Key, KeyState, available, choose

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ring(*labels: str) -> list[Key]:
    return [Key(label, f"secret-of-{label}") for label in labels]


def served(keys: list[Key], state: KeyState, calls: int) -> list[str]:
    """The labels that so many calls get, one after the other."""
    chosen = [choose(keys, state, now=NOW) for _ in range(calls)]
    return [key.label for key in chosen if key is not None]


def test_round_robin_follows_the_order_of_the_configuration() -> None:
    assert served(ring("a", "b", "c"), KeyState(), 7) == ["a", "b", "c", "a", "b", "c", "a"]


def test_the_only_key_serves_every_call() -> None:
    assert served(ring("a"), KeyState(), 3) == ["a", "a", "a"]


def test_no_keys_give_no_key() -> None:
    assert choose([], KeyState(), now=NOW) is None


@pytest.mark.parametrize(
    ("last", "tried", "expected"),
    [
        (None, {"a"}, "b"),
        ("a", {"a"}, "b"),
        ("a", {"b"}, "c"),
        ("b", {"c"}, "a"),
        ("c", {"a", "b"}, "c"),
        ("a", {"a", "b", "c"}, None),
        ("a", {"somebody else's"}, "b"),
    ],
)
def test_a_tried_key_is_passed_over(last: str | None, tried: set[str], expected: str | None) -> None:
    chosen = choose(ring("a", "b", "c"), KeyState(last), now=NOW, tried=tried)
    assert (chosen.label if chosen else None) == expected


def test_the_choice_is_remembered() -> None:
    state = KeyState()
    choose(ring("a", "b"), state, now=NOW, tried={"a"})
    assert state.last_label == "b"


def test_a_choice_that_finds_nothing_leaves_the_cursor_where_it_was() -> None:
    state = KeyState("a")
    choose(ring("a", "b"), state, now=NOW, tried={"a", "b"})
    assert state.last_label == "a"


def test_a_label_that_vanished_from_the_configuration_starts_the_round_anew() -> None:
    assert served(ring("b", "c"), KeyState("gone"), 3) == ["b", "c", "b"]


def test_the_round_goes_on_behind_a_key_that_was_switched_off_since() -> None:
    keys = [Key("a", "x"), Key("b", "x", is_enabled=False), Key("c", "x")]
    assert served(keys, KeyState("b"), 2) == ["c", "a"]


@pytest.mark.parametrize(
    ("key", "is_available"),
    [
        (Key("a", "x"), True),
        (Key("a", "x", is_enabled=False), False),
        (Key("a", "x", expires_at=NOW + TICK), True),
        (Key("a", "x", expires_at=NOW), False),
        (Key("a", "x", expires_at=NOW - TICK), False),
        (Key("a", "x", is_enabled=False, expires_at=NOW + TICK), False),
    ],
)
def test_a_key_is_available_while_it_is_enabled_and_before_the_moment_of_its_expiry(
    key: Key, is_available: bool
) -> None:
    assert available([key], NOW) == ([key] if is_available else [])


def test_available_keys_keep_the_order_of_the_configuration() -> None:
    keys = [*ring("b"), Key("off", "x", is_enabled=False), *ring("a")]
    assert [key.label for key in available(keys, NOW)] == ["b", "a"]


def test_a_key_shows_its_label_and_no_secret() -> None:
    (key,) = ring("a")
    assert f"{key!r} {key} {[key]}" == "Key('a') Key('a') [Key('a')]"


@given(count=st.integers(1, 12), calls=st.integers(0, 60), last=st.sampled_from([None, "0", "3", "gone"]))
def test_all_keys_get_the_same_share_of_calls_give_or_take_one(count: int, calls: int, last: str | None) -> None:
    keys = ring(*map(str, range(count)))
    shares = Counter({key.label: 0 for key in keys})
    shares.update(served(keys, KeyState(last), calls))
    assert max(shares.values()) - min(shares.values()) <= 1


@given(
    enabled=st.lists(st.booleans(), max_size=8),
    tried=st.sets(st.integers(0, 8)),
    last=st.one_of(st.none(), st.integers(0, 8)),
)
def test_no_choice_is_ever_a_disabled_or_a_tried_key(enabled: list[bool], tried: set[int], last: int | None) -> None:
    keys = [Key(str(number), "x", is_enabled=on) for number, on in enumerate(enabled)]
    usable = {str(number) for number, on in enumerate(enabled) if on and number not in tried}
    state = KeyState(None if last is None else str(last))
    chosen = choose(keys, state, now=NOW, tried={str(number) for number in tried})
    assert (chosen is None) if not usable else (chosen is not None and chosen.label in usable)
