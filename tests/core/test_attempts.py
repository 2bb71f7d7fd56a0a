from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.attempts import MAX_ATTEMPTS, Attempt, Attempts
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import Keyring, RingMemory
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Connection
from tests.config.parsing import configured
from tests.core.fakes import keyrings_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NEVER, SAME, KEY, TARGET = Retry.NEVER, Retry.SAME_ONCE, Retry.OTHER_KEY, Retry.OTHER_TARGET


def provider_with(name: str, keys: int) -> Provider:
    listed = ", ".join(f"{{key: sk-{number}, label: k{number}}}" for number in range(1, keys + 1))
    return build(configured(f"providers: {{{name}: {{base_url: 'http://127.0.0.1:9', keys: [{listed}]}}}}"))[name]


PROVIDERS = {name: provider_with(name, keys) for name, keys in [("none", 0), ("one", 1), ("two", 2), ("four", 4)]}


def keyrings(resting: Collection[str] = ()) -> dict[str, Keyring]:
    """Of all providers; labels in `resting` can't be used."""
    memories: dict[str, RingMemory] = {}
    rings = keyrings_of(PROVIDERS, memories)
    for memory in memories.values():
        for label in memory.keys.keys() & set(resting):
            memory.keys[label].standing.blamed(Blame.KEY_LIMITED, 60, NOW.timestamp(), cooldown_s=60)
    return rings


def attempts_at(*providers: str, resting: Collection[str] = ()) -> Attempts:
    targets = [Target(name, f"model-{number}") for number, name in enumerate(providers)]
    return Attempts(targets, PROVIDERS, keyrings(resting), lambda: NOW)


def failure(retry: Retry, blame: Blame = Blame.NOBODY) -> UpstreamError:
    return UpstreamError(ErrorFacts(502, "failed", "server_error", "api_error"), retry, blame)


def shown(attempt: Attempt | None) -> str:
    """`provider:key`, a `*` behind it for a fresh connection."""
    if attempt is None:
        return "over"
    label = attempt.key.label if attempt.key else "-"
    return f"{attempt.provider.name}:{label}{'*' if attempt.connection is Connection.FRESH else ''}"


def walk(attempts: Attempts, retries: Collection[Retry]) -> list[str]:
    """The first attempt, and what follows each failure."""
    return [shown(attempts.next()), *(shown(attempts.next(failure(retry))) for retry in retries)]


@pytest.mark.parametrize(
    ("targets", "retries", "tried"),
    [
        (["two", "one"], [NEVER], ["two:k1", "over"]),
        (["two", "one"], [KEY, NEVER], ["two:k1", "two:k2", "over"]),
        (["two", "one"], [KEY, KEY], ["two:k1", "two:k2", "one:k1"]),
        (["one", "two"], [KEY, KEY], ["one:k1", "two:k1", "two:k2"]),
        (["one", "one"], [KEY, KEY], ["one:k1", "one:k1", "over"]),
        (["four", "one"], [KEY, KEY], ["four:k1", "four:k2", "one:k1"]),
        (["four", "two", "one"], [KEY, KEY], ["four:k1", "four:k2", "two:k1"]),
        (["four"], [KEY, KEY, KEY], ["four:k1", "four:k2", "four:k3", "over"]),
        (["two"], [KEY, KEY], ["two:k1", "two:k2", "over"]),
        (["two", "one"], [TARGET, KEY], ["two:k1", "one:k1", "over"]),
        (["two", "one"], [TARGET, TARGET], ["two:k1", "one:k1", "over"]),
        (["two"], [TARGET], ["two:k1", "over"]),
        (["one", "two", "four", "two"], [TARGET, TARGET, TARGET], ["one:k1", "two:k1", "four:k1", "over"]),
        (["two", "one"], [SAME, SAME], ["two:k1", "two:k1*", "one:k1"]),
        (["two"], [SAME, SAME], ["two:k1", "two:k1*", "over"]),
        (["two"], [SAME, KEY], ["two:k1", "two:k1*", "two:k2"]),
        (["two", "one"], [SAME, TARGET], ["two:k1", "two:k1*", "one:k1"]),
        (["two", "one"], [KEY, SAME], ["two:k1", "two:k2", "one:k1"]),
        (["two"], [KEY, SAME], ["two:k1", "two:k2", "two:k2*"]),
        (["one", "two"], [TARGET, SAME, SAME], ["one:k1", "two:k1", "two:k1*", "over"]),
        (["none"], [KEY], ["none:-", "over"]),
        (["none"], [SAME, KEY], ["none:-", "none:-*", "over"]),
        (["none", "one"], [KEY, KEY], ["none:-", "one:k1", "over"]),
        ([], [], ["over"]),
    ],
)
def test_what_a_failure_permits_is_tried_next(targets: list[str], retries: list[Retry], tried: list[str]) -> None:
    assert walk(attempts_at(*targets), retries) == tried


def test_a_target_without_a_usable_key_is_passed_over() -> None:
    assert walk(attempts_at("one", "two", resting={"k1"}), [KEY]) == ["two:k2", "over"]


def test_the_last_try_stays_where_no_other_target_has_a_usable_key() -> None:
    assert walk(attempts_at("four", "one", resting={"k1"}), [KEY, KEY]) == ["four:k2", "four:k3", "four:k4"]


def test_no_usable_key_anywhere_gives_no_attempt_at_all() -> None:
    attempts = attempts_at("one", "two", resting={"k1", "k2"})
    assert (attempts.next(), attempts.made) == (None, 0)


def test_a_provider_without_keys_is_tried_while_all_others_rest() -> None:
    assert walk(attempts_at("one", "none", resting={"k1"}), []) == ["none:-"]


def test_a_key_that_was_tried_for_one_target_may_serve_the_next() -> None:
    assert walk(attempts_at("two", "two"), [KEY, KEY]) == ["two:k1", "two:k2", "two:k1"]


def test_a_failure_before_any_attempt_takes_the_first_target() -> None:
    assert shown(attempts_at("one").next(failure(KEY))) == "one:k1"


def test_attempts_carry_their_target() -> None:
    attempts = attempts_at("one", "two")
    models = [attempt.target.model for attempt in (attempts.next(), attempts.next(failure(TARGET))) if attempt]
    assert models == ["model-0", "model-1"]


def test_made_counts_what_was_handed_out() -> None:
    attempts = attempts_at("one")
    counts = [attempts.made]
    for retry in (None, SAME, TARGET):
        attempts.next(failure(retry) if retry else None)
        counts.append(attempts.made)
    assert counts == [0, 1, 2, 2]


@given(
    targets=st.lists(st.sampled_from(sorted(PROVIDERS)), max_size=5),
    retries=st.lists(st.sampled_from(Retry), max_size=8),
    resting=st.sets(st.sampled_from(["k1", "k2", "k3"])),
)
def test_no_course_of_failures_repeats_itself_or_goes_on_for_long(
    targets: list[str], retries: list[Retry], resting: set[str]
) -> None:
    attempts = attempts_at(*targets, resting=resting)
    made: list[tuple[Target, str | None, Connection]] = []
    following = attempts.next()
    for retry in retries:
        if following is None:
            break
        label = following.key.label if following.key else None
        made.append((following.target, label, following.connection))
        following = attempts.next(failure(retry))
        assert following is None or retry is not NEVER
    assert len(set(made)) == len(made)
    assert attempts.made <= MAX_ATTEMPTS
    assert resting.isdisjoint(label for _, label, _ in made)


def test_a_slot_is_held_until_the_next_try_and_freed_at_the_end() -> None:
    memories: dict[str, RingMemory] = {}
    rings = keyrings_of(PROVIDERS, memories)

    def busy() -> dict[str, int]:
        return {label: known.meters.in_flight for label, known in memories["two"].keys.items()}

    with Attempts([Target("two", "m")], PROVIDERS, rings, lambda: NOW) as attempts:
        attempts.next()
        assert busy() == {"k1": 1, "k2": 0}
        attempts.next(failure(SAME))
        assert busy() == {"k1": 1, "k2": 0}
        attempts.next(failure(KEY))
        assert busy() == {"k1": 0, "k2": 1}
    assert busy() == {"k1": 0, "k2": 0}


def test_the_slot_of_a_try_that_serves_is_handed_over() -> None:
    memories: dict[str, RingMemory] = {}
    with Attempts([Target("one", "m")], PROVIDERS, keyrings_of(PROVIDERS, memories), lambda: NOW) as attempts:
        attempts.next()
        slot = attempts.served()
    assert memories["one"].keys["k1"].meters.in_flight == 1
    assert slot is not None
    slot.free(NOW)
    slot.free(NOW)
    assert memories["one"].keys["k1"].meters.in_flight == 0


def test_a_failure_is_laid_to_the_key_of_its_try() -> None:
    memories: dict[str, RingMemory] = {}
    with Attempts([Target("two", "m")], PROVIDERS, keyrings_of(PROVIDERS, memories), lambda: NOW) as attempts:
        attempts.next()
        attempts.next(failure(KEY, Blame.KEY_REFUSED))
        attempts.next(failure(NEVER, Blame.KEY_LIMITED))
    standings = {label: known.standing for label, known in memories["two"].keys.items()}
    assert (standings["k1"].is_rejected, standings["k2"].limited) == (True, 1)
