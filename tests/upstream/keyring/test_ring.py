"""A provider's keys: who may be used, when, and what is remembered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay.errors import Blame
from relay.upstream.keyring import Key, KeyLimits, KeyMemory, Keyring, RingMemory, Shortage, Slot

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ring(*keys: Key | str, memory: RingMemory | None = None, strategy: str = "round-robin") -> Keyring:
    made = [Key(key, f"secret-of-{key}") if isinstance(key, str) else key for key in keys]
    return Keyring(made, memory or RingMemory(), strategy=strategy, random=lambda: 0.0)


def limited(**limits: float) -> Keyring:
    return ring(Key("a", "x", limits=KeyLimits(**limits)))  # type: ignore[arg-type]


def taken(keyring: Keyring, after_s: float = 0, tried: Collection[str] = ()) -> Slot:
    slot = keyring.take(NOW + timedelta(seconds=after_s), tried)
    assert slot is not None
    return slot


def used(keyring: Keyring, after_s: float = 0, *, tokens: int = 0) -> bool:
    """Whether a call could be made, and was."""
    at = NOW + timedelta(seconds=after_s)
    slot = keyring.take(at)
    if slot is None:
        return False
    slot.served()
    slot.free(at, tokens=tokens)
    return True


@pytest.mark.parametrize(
    ("key", "is_good"),
    [
        (Key("a", "x"), True),
        (Key("a", "x", is_enabled=False), False),
        (Key("a", "x", expires_at=NOW + TICK), True),
        (Key("a", "x", expires_at=NOW), False),
        (Key("a", "x", is_enabled=False, expires_at=NOW + TICK), False),
    ],
)
def test_a_key_is_used_while_it_is_enabled_and_before_the_moment_of_its_expiry(key: Key, is_good: bool) -> None:
    assert (ring(key).take(NOW) is not None) is is_good


def test_a_key_shows_its_label_and_no_secret() -> None:
    key = Key("a", "secret")
    assert f"{key!r} {key} {[key]}" == "Key('a') Key('a') [Key('a')]"
    assert "secret" not in repr(taken(ring(key)))


def test_no_keys_give_no_slot() -> None:
    assert ring().take(NOW) is None
    assert ring().shortage(NOW) == Shortage(None, are_rejected=False)


def test_keys_take_turns_and_a_tried_one_is_passed_over() -> None:
    keyring = ring("a", "b", "c")
    assert [taken(keyring).key.label for _ in range(4)] == ["a", "b", "c", "a"]
    assert taken(keyring, tried={"b"}).key.label == "c"
    assert keyring.take(NOW, {"a", "b", "c"}) is None


def test_a_preferred_key_is_taken_where_it_may_be_and_takes_nobodys_turn() -> None:
    keyring = ring("a", "b", "c")
    assert [slot.key.label for _ in range(2) if (slot := keyring.take(NOW, preferred="c"))] == ["c", "c"]
    assert taken(keyring).key.label == "a"
    for tried, preferred in ((["c"], "c"), ([], "gone")):
        slot = keyring.take(NOW, tried, preferred=preferred)
        assert slot is not None
        assert slot.key.label != preferred


@pytest.mark.parametrize(
    ("blame", "wait_s"), [(Blame.KEY_LIMITED, 60), (Blame.TARGET, None), (Blame.KEY_REFUSED, None)]
)
def test_a_preferred_key_that_rests_or_is_doubted_is_not_taken(blame: Blame, wait_s: float | None) -> None:
    keyring = ring("a", "b")
    slot = keyring.take(NOW, preferred="b")
    assert slot is not None
    slot.failed(blame, None, NOW)
    slot.free(NOW)
    after = keyring.take(NOW, preferred="b")
    assert after is not None
    assert after.key.label == "a"


def test_a_shortage_is_over_once_a_key_may_be_used() -> None:
    keyring = limited(max_parallel=1)
    assert keyring.shortage(NOW).is_over
    slot = taken(keyring)
    assert (keyring.shortage(NOW).is_over, keyring.shortage(NOW).is_busy) == (False, True)
    slot.free(NOW)
    assert keyring.shortage(NOW).is_over


def test_the_turn_outlives_a_configuration() -> None:
    memory = RingMemory()
    taken(ring("a", "b", memory=memory))
    assert taken(ring("a", "b", memory=memory)).key.label == "b"


def test_the_least_busy_key_is_the_one_whose_slots_are_free() -> None:
    keyring = ring("a", "b", strategy="least-busy")
    first, _ = taken(keyring), taken(keyring)
    first.free(NOW)
    assert taken(keyring).key.label == "a"


@pytest.mark.parametrize(
    ("limits", "calls", "free_after_s"),
    [
        ({"rps": 3}, 3, 1),
        ({"rps": 0.5}, 1, 2),
        ({"rps": 2.5}, 2, 0.8),
        ({"rpm": 1.5}, 1, 40),
        ({"rpm": 4}, 4, 60),
        ({"in_5h": 2}, 2, 5 * 3600),
        ({"in_1d": 2}, 2, 86_400),
        ({"in_7d": 2}, 2, 7 * 86_400),
    ],
)
def test_a_limit_over_time_holds_and_tells_when_it_is_over(
    limits: dict[str, float], calls: int, free_after_s: float
) -> None:
    keyring = limited(**limits)
    assert [used(keyring) for _ in range(calls + 1)] == [True] * calls + [False]
    wait_s = keyring.shortage(NOW).wait_s
    assert wait_s == pytest.approx(free_after_s, rel=0.04)
    assert not used(keyring, free_after_s * 0.999)
    assert used(keyring, (wait_s or 0) + 0.001)  # A microsecond is the least that a time can tell.


def test_limits_of_one_span_are_one_limit() -> None:
    assert KeyLimits(rps=0.025, rpm=1.5).spans == ((40, 1),)


def test_tokens_of_a_minute_hold_up_the_next_call_once_they_are_used() -> None:
    keyring = limited(tpm=1000)
    assert [used(keyring, tokens=tokens) for tokens in (600, 600, 1)] == [True, True, False]
    assert used(keyring, 62)


def test_tokens_are_not_counted_without_a_limit_on_them() -> None:
    keyring = limited(rpm=5)
    assert [used(keyring, tokens=10**9) for _ in range(2)] == [True, True]


def test_a_quota_is_gone_for_good() -> None:
    keyring = limited(quota=2)
    assert [used(keyring) for _ in range(3)] == [True, True, False]
    assert (used(keyring, 10**7), keyring.shortage(NOW).wait_s) == (False, None)


def test_so_many_calls_at_once_and_no_more() -> None:
    keyring = limited(max_parallel=2)
    slots = [taken(keyring), taken(keyring)]
    assert (keyring.take(NOW), keyring.shortage(NOW).wait_s) == (None, None)
    slots[0].free(NOW)
    slots[0].free(NOW)
    assert (taken(keyring).key.label, keyring.take(NOW)) == ("a", None)


def test_a_resting_key_is_passed_over_and_the_shortage_tells_the_soonest() -> None:
    keyring = ring("a", "b")
    taken(keyring).failed(Blame.KEY_LIMITED, 30, NOW)
    taken(keyring).failed(Blame.KEY_LIMITED, 7, NOW)
    assert (keyring.take(NOW), keyring.shortage(NOW)) == (None, Shortage(7, are_rejected=False))
    assert taken(keyring, 7).key.label == "b"


def test_a_rejected_key_is_tried_by_one_call_at_a_time_and_longer_apart() -> None:
    keyring = ring("a")
    for after_s, wait_s in ((0, 60), (60, 120), (180, 240)):
        slot = taken(keyring, after_s)
        assert keyring.take(NOW + timedelta(seconds=after_s)) is None or after_s == 0
        slot.failed(Blame.KEY_REFUSED, None, NOW + timedelta(seconds=after_s))
        slot.free(NOW)
        shortage = keyring.shortage(NOW + timedelta(seconds=after_s))
        assert (shortage.are_rejected, shortage.wait_s) == (True, wait_s)
    slot = taken(keyring, 420)
    slot.served()
    slot.free(NOW)
    assert [used(keyring, 420) for _ in range(3)] == [True] * 3


def test_a_trial_that_is_given_up_is_followed_by_another() -> None:
    keyring = ring("a")
    slot = taken(keyring)
    slot.failed(Blame.KEY_REFUSED, None, NOW)
    slot.free(NOW)
    trial = taken(keyring, 60)
    assert keyring.take(NOW + timedelta(seconds=60)) is None
    trial.free(NOW + timedelta(seconds=61))
    assert taken(keyring, 61).key.label == "a"


def test_the_end_of_another_call_does_not_end_a_trial() -> None:
    keyring = ring("a")
    before, refused = taken(keyring), taken(keyring)
    refused.failed(Blame.KEY_REFUSED, None, NOW)
    refused.free(NOW)
    taken(keyring, 60)
    before.free(NOW)
    assert keyring.take(NOW + timedelta(seconds=60)) is None


def test_a_call_that_tries_a_doubted_key_is_no_trial_of_one_that_is_rejected_meanwhile() -> None:
    keyring = ring("a")
    taken(keyring).failed(Blame.TARGET, None, NOW)
    slow, other = taken(keyring), taken(keyring)
    other.failed(Blame.KEY_REFUSED, None, NOW)
    trial = taken(keyring, 60)
    slow.free(NOW + timedelta(seconds=60))
    assert (trial.is_trial, keyring.take(NOW + timedelta(seconds=60))) == (True, None)


def test_a_trial_is_over_once_its_answer_begins_however_long_that_lasts() -> None:
    keyring = ring("a")
    refused = taken(keyring)
    refused.failed(Blame.KEY_REFUSED, None, NOW)
    refused.free(NOW)
    stream = taken(keyring, 60)
    stream.served()
    other = taken(keyring, 61)
    other.failed(Blame.KEY_REFUSED, None, NOW + timedelta(seconds=61))
    other.free(NOW + timedelta(seconds=61))
    taken(keyring, 121)
    stream.free(NOW + timedelta(seconds=122))
    assert keyring.take(NOW + timedelta(seconds=122)) is None


@pytest.mark.parametrize(
    ("blame", "after_s", "may"),
    [
        (Blame.NOBODY, 0, True),
        (Blame.TARGET, 0, True),
        (Blame.KEY_LIMITED, 0, False),
        (Blame.KEY_LIMITED, 7, True),
        (Blame.KEY_REFUSED, 0, False),
        (Blame.KEY_REFUSED, 60, False),
    ],
)
def test_a_call_may_be_repeated_unless_something_was_heard_of_its_key(blame: Blame, after_s: float, may: bool) -> None:
    keyring = ring("a")
    slot = taken(keyring)
    taken(keyring).failed(blame, 7, NOW)
    assert slot.may_repeat(NOW + timedelta(seconds=after_s)) is may


def test_the_trial_of_a_key_may_be_repeated_and_a_call_with_an_expired_one_may_not() -> None:
    keyring = ring("a")
    taken(keyring).failed(Blame.KEY_REFUSED, None, NOW)
    assert taken(keyring, 60).may_repeat(NOW + timedelta(seconds=60))
    assert not taken(ring(Key("a", "x", expires_at=NOW + TICK))).may_repeat(NOW + TICK)


def test_there_is_another_key_where_one_would_be_given() -> None:
    keyring = ring("a", "b")
    assert [keyring.has_another(NOW, tried) for tried in ((), {"a"}, {"a", "b"})] == [True, True, False]
    taken(keyring, tried={"a"}).failed(Blame.KEY_LIMITED, 7, NOW)
    assert not keyring.has_another(NOW, {"a"})


def test_not_all_keys_are_rejected_while_one_only_rests() -> None:
    keyring = ring("a", "b")
    taken(keyring).failed(Blame.KEY_REFUSED, None, NOW)
    taken(keyring).failed(Blame.KEY_LIMITED, 7, NOW)
    assert keyring.shortage(NOW) == Shortage(7, are_rejected=False)


def test_a_key_whose_calls_fail_is_passed_over_while_others_serve_and_tried_by_one_call_now_and_then() -> None:
    keyring = ring("a", "b")
    slot = taken(keyring, tried={"b"})
    slot.failed(Blame.TARGET, None, NOW)
    slot.free(NOW)
    assert [taken(keyring, 4.9).key.label for _ in range(3)] == ["b"] * 3
    trial = taken(keyring, 5, tried={"b"})
    assert [taken(keyring, 5).key.label for _ in range(3)] == ["b"] * 3
    trial.failed(Blame.TARGET_DOWN, None, NOW + timedelta(seconds=5))
    trial.free(NOW)
    assert [taken(keyring, 14.9).key.label for _ in range(2)] == ["b"] * 2
    trial = taken(keyring, 15)
    assert trial.key.label == "a"
    trial.served()
    trial.free(NOW)
    assert {taken(keyring, 15).key.label for _ in range(2)} == {"a", "b"}


def test_keys_that_all_fail_are_used_all_the_same() -> None:
    keyring = ring("a", "b")
    for _ in range(20):
        slot = taken(keyring)
        slot.failed(Blame.TARGET, None, NOW)
        slot.free(NOW)
    assert {taken(keyring).key.label for _ in range(2)} == {"a", "b"}


def test_another_secret_under_the_same_label_is_another_key() -> None:
    memory = RingMemory()
    taken(ring(Key("a", "wrong"), memory=memory)).failed(Blame.KEY_REFUSED, None, NOW)
    assert ring(Key("a", "wrong"), memory=memory).take(NOW) is None
    assert ring(Key("a", "right"), memory=memory).take(NOW) is not None


def test_a_key_under_another_label_is_known_by_its_secret() -> None:
    """Keys without a label are numbered: one that is taken away must not make its neighbours good again."""
    memory = RingMemory()
    before = ring(Key("key-1", "x"), Key("key-2", "y"), Key("key-3", "z"), memory=memory)
    taken(before, tried={"key-1", "key-3"}).failed(Blame.KEY_REFUSED, None, NOW)
    after = ring(Key("key-1", "y"), Key("key-2", "z"), Key("key-3", "new"), memory=memory)
    assert {taken(after).key.secret for _ in range(4)} == {"z", "new"}
    assert memory.keys["key-1"].has_news
    assert list(memory.keys) == ["key-1", "key-2", "key-3"]


def test_of_two_memories_of_one_secret_the_later_one_counts() -> None:
    """The row of an earlier label stays in the store, and is read again with the next start."""
    memory = RingMemory()
    old = taken(ring(Key("key-3", "z"), memory=memory)).memory
    memory.keys["key-2"] = KeyMemory(old.fingerprint)
    memory.keys["key-2"].meters.calls = 5
    memory.keys["key-2"].standing.blamed(Blame.KEY_REFUSED, None, NOW.timestamp(), cooldown_s=60)
    assert ring(Key("key-3", "z"), memory=memory).take(NOW) is None
    assert list(memory.keys) == ["key-3"]


def test_keys_that_change_places_take_what_is_known_of_them_along() -> None:
    memory = RingMemory()
    taken(ring(Key("key-1", "x"), Key("key-2", "y"), memory=memory)).failed(Blame.KEY_REFUSED, None, NOW)
    after = ring(Key("key-1", "y"), Key("key-2", "x"), memory=memory)
    assert {taken(after).key.secret for _ in range(3)} == {"y"}


def test_what_is_known_of_a_key_counts_once_where_two_have_its_secret() -> None:
    memory = RingMemory()
    taken(ring(Key("a", "x"), memory=memory)).failed(Blame.KEY_REFUSED, None, NOW)
    after = ring(Key("b", "x"), Key("a", "x"), memory=memory)
    assert [taken(after).key.label for _ in range(2)] == ["b", "b"]
    assert memory.keys["a"] is not memory.keys["b"]


def test_a_key_that_was_taken_away_is_known_when_it_comes_back() -> None:
    memory = RingMemory()
    taken(ring("a", "b", memory=memory)).failed(Blame.KEY_REFUSED, None, NOW)
    ring("b", memory=memory)
    assert {taken(ring("a", "b", memory=memory)).key.label for _ in range(3)} == {"b"}


KEYS = (
    Key("free", "x"),
    Key("off", "x", is_enabled=False),
    Key("ends", "x", expires_at=NOW + timedelta(seconds=90)),
    Key("slow", "x", weight=3, limits=KeyLimits(rps=1, rpm=9)),
    Key("narrow", "x", limits=KeyLimits(max_parallel=1, quota=20, tpm=500)),
)


class Course(RuleBasedStateMachine):
    """Calls come and go, and providers complain: whoever is given a slot may use it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.memory = RingMemory()
        self.slots: list[Slot] = []
        self.rests: dict[str, datetime] = {}
        self.calls: dict[str, list[datetime]] = {}
        self.tokens: list[tuple[datetime, int]] = []

    @rule(strategy=st.sampled_from(["round-robin", "random", "weighted", "least-busy"]), chance=st.floats(0, 0.999))
    def come(self, strategy: str, chance: float) -> None:
        slot = Keyring(KEYS, self.memory, strategy=strategy, random=lambda: chance).take(self.now)
        if slot is None:
            return
        label = slot.key.label
        assert label != "off"
        assert label != "ends" or self.now < NOW + timedelta(seconds=90)
        assert self.now >= self.rests.get(label, NOW)
        mine = self.calls.setdefault(label, [])
        mine.append(self.now)
        if label == "slow":
            assert len([at for at in mine if at > self.now - timedelta(seconds=1)]) <= 1
            assert len([at for at in mine if at > self.now - timedelta(seconds=60)]) <= 9
        if label == "narrow":
            assert "narrow" not in [held.key.label for held in self.slots]
            assert len(mine) <= 20
            assert sum(used for at, used in self.tokens if at > self.now - timedelta(seconds=60)) < 500
        self.slots.append(slot)

    @rule(data=st.data(), tokens=st.integers(0, 400))
    def go(self, data: st.DataObject, tokens: int) -> None:
        if self.slots:
            slot = self.slots.pop(data.draw(st.integers(0, len(self.slots) - 1)))
            slot.served()
            slot.free(self.now, tokens=tokens)
            if slot.key.label == "narrow":
                self.tokens.append((self.now, tokens))

    @rule(data=st.data(), blame=st.sampled_from(Blame), wait_s=st.none() | st.integers(0, 100))
    def fail(self, data: st.DataObject, blame: Blame, wait_s: int | None) -> None:
        if self.slots:
            slot = self.slots.pop(data.draw(st.integers(0, len(self.slots) - 1)))
            slot.failed(blame, wait_s, self.now)
            slot.free(self.now)
            if blame in (Blame.KEY_LIMITED, Blame.KEY_SPENT) and wait_s is not None:
                until = self.now + timedelta(seconds=wait_s)
                self.rests[slot.key.label] = max(until, self.rests.get(slot.key.label, until))

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def every_slot_is_counted(self) -> None:
        in_flight = sum(known.meters.in_flight for known in self.memory.keys.values())
        assert in_flight == len(self.slots)


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@given(st.lists(st.sampled_from(["a", "b", "gone"]), max_size=3))
def test_whatever_was_tried_what_is_given_was_not(tried: list[str]) -> None:
    slot = ring("a", "b").take(NOW, tried)
    assert slot is None or slot.key.label not in tried


def available(keyring: Keyring, after_s: float = 0) -> list[bool]:
    return [key.is_usable for key in keyring.states(NOW + timedelta(seconds=after_s))]


def test_each_key_tells_whether_it_may_be_used() -> None:
    keys = [
        Key("off", "x", is_enabled=False),
        Key("late", "x", expires_at=NOW + TICK),
        Key("one", "x"),
        Key("two", "x"),
    ]
    keyring = ring(*keys)
    assert [key.label for key in keyring.states(NOW)] == ["off", "late", "one", "two"]
    slot = taken(keyring, tried=["late", "two"])
    slot.failed(Blame.KEY_LIMITED, 30, NOW)
    slot.free(NOW)
    assert [available(keyring, after_s) for after_s in (0, 29, 30)] == [
        [False, True, False, True],
        [False, False, False, True],
        [False, False, True, True],
    ]


def test_a_key_at_its_limit_may_not_be_used_until_it_is_free() -> None:
    keyring = limited(max_parallel=1)
    slot = taken(keyring)
    assert available(keyring) == [False]
    slot.free(NOW)
    assert available(keyring) == [True]


@given(st.integers(0, 3), st.lists(st.sampled_from(Blame), max_size=4), st.floats(0, 200))
def test_a_key_is_given_just_where_one_is_available(count: int, blames: list[Blame], after_s: float) -> None:
    keyring = ring(*(f"k{number}" for number in range(count)))
    for blame in blames:
        if (slot := keyring.take(NOW)) is not None:
            slot.failed(blame, None, NOW)
            slot.free(NOW)
    assert any(available(keyring, after_s)) is (keyring.take(NOW + timedelta(seconds=after_s)) is not None)
