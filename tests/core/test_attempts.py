from __future__ import annotations

import math
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.schema import Config
from relay.core.attempts import MAX_ATTEMPTS, Attempt, Attempts, Pause
from relay.core.means import Memory, means_of
from relay.core.tally import Tally
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
from relay.model import Target
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Connection
from tests.config.parsing import configured
from tests.core.fakes import NOW, fake_clocks

NEVER, SAME, KEY, TARGET = Retry.NEVER, Retry.SAME_ONCE, Retry.OTHER_KEY, Retry.OTHER_TARGET
ONCE = Retry.OTHER_TARGET_ONCE


def provider_with(name: str, keys: int, more: str = "") -> Provider:
    listed = ", ".join(f"{{key: sk-{number}, label: k{number}}}" for number in range(1, keys + 1))
    return build(configured(f"providers: {{{name}: {{base_url: 'http://127.0.0.1:9', keys: [{listed}]{more}}}}}"))[name]


PROVIDERS = {name: provider_with(name, keys) for name, keys in [("none", 0), ("one", 1), ("two", 2), ("four", 4)]}
OTHERS = {
    "narrow": provider_with("narrow", 2, ", max_parallel: 1"),
    "short": provider_with("short", 2, ", timeout: {total: 2}"),
}


CONFIG = Config()


def attempts_at(
    *providers: str, resting: Collection[str] = (), memory: Memory | None = None, tally: Tally | None = None
) -> Attempts:
    """At a model of each; keys with the labels in `resting` can't be used."""
    memory = memory or Memory()
    means = means_of(CONFIG, PROVIDERS | OTHERS, memory, fake_clocks())
    for ring in memory.rings.values():
        for label in ring.keys.keys() & set(resting):
            ring.keys[label].standing.blamed(Blame.KEY_LIMITED, 60, NOW.timestamp(), cooldown_s=60)
    targets = [Target(name, f"model-{number}") for number, name in enumerate(providers)]
    return Attempts(targets, means, fake_clocks(), tally=tally)


def failure(retry: Retry, blame: Blame = Blame.NOBODY) -> UpstreamError:
    return UpstreamError(ErrorFacts(502, "failed", "server_error", "api_error"), retry, blame)


def shown(attempt: Attempt | None) -> str:
    """`provider:key`, a `*` behind it for a fresh connection."""
    if attempt is None:
        return "over"
    label = attempt.key.label if attempt.key else "-"
    return f"{attempt.provider.name}:{label}{'*' if attempt.connection is Connection.FRESH else ''}"


def following(attempts: Attempts, failed: UpstreamError) -> Attempt | None:
    """What follows a failure, a pause or not."""
    found = attempts.next(failed)
    return attempts.resumed() if isinstance(found, Pause) else found


def walk(attempts: Attempts, retries: Collection[Retry]) -> list[str]:
    """The first attempt, and what follows each failure."""
    first = attempts.first()
    return [shown(first), *(shown(following(attempts, failure(retry))) for retry in retries if first is not None)]


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
        (["one", "two", "four"], [ONCE, ONCE], ["one:k1", "two:k1", "over"]),
        (["one", "two", "four"], [ONCE, TARGET], ["one:k1", "two:k1", "four:k1"]),
        ([], [], ["over"]),
        ([], [KEY], ["over"]),
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
    assert (attempts.first(), attempts.made) == (None, 0)


def test_a_provider_without_keys_is_tried_while_all_others_rest() -> None:
    assert walk(attempts_at("one", "none", resting={"k1"}), []) == ["none:-"]


def test_a_key_that_was_tried_for_one_target_may_serve_the_next() -> None:
    assert walk(attempts_at("two", "two"), [KEY, KEY]) == ["two:k1", "two:k2", "two:k1"]


def test_attempts_carry_their_target() -> None:
    attempts = attempts_at("one", "two")
    models = [attempt.target.model for attempt in (attempts.first(), following(attempts, failure(TARGET))) if attempt]
    assert models == ["model-0", "model-1"]


def test_made_counts_what_was_handed_out() -> None:
    attempts = attempts_at("one")
    counts = [attempts.made]
    attempts.first()
    counts.append(attempts.made)
    for retry in (SAME, TARGET):
        attempts.next(failure(retry))
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
    attempt = attempts.first()
    for retry in retries:
        if attempt is None:
            break
        label = attempt.key.label if attempt.key else None
        made.append((attempt.target, label, attempt.connection))
        attempt = following(attempts, failure(retry))
        assert attempt is None or retry is not NEVER
    assert len(set(made)) == len(made)
    assert attempts.made <= MAX_ATTEMPTS
    assert resting.isdisjoint(label for _, label, _ in made)


def busy(memory: Memory, provider: str) -> dict[str, int]:
    return {label: known.meters.in_flight for label, known in memory.rings[provider].keys.items()}


def test_a_slot_is_held_until_the_next_try_and_freed_at_the_end() -> None:
    memory = Memory()
    with attempts_at("two", memory=memory) as attempts:
        attempts.first()
        assert busy(memory, "two") == {"k1": 1, "k2": 0}
        attempts.next(failure(SAME))
        assert busy(memory, "two") == {"k1": 1, "k2": 0}
        attempts.next(failure(KEY))
        assert busy(memory, "two") == {"k1": 0, "k2": 1}
    assert busy(memory, "two") == {"k1": 0, "k2": 0}


def test_what_a_try_that_serves_holds_is_handed_over() -> None:
    memory = Memory()
    with attempts_at("one", memory=memory) as attempts:
        attempts.first()
        held = attempts.served()
    assert busy(memory, "one") == {"k1": 1}
    assert held is not None
    held.let_go(NOW)
    held.let_go(NOW)
    assert busy(memory, "one") == {"k1": 0}


def test_a_failure_is_laid_to_the_key_of_its_try() -> None:
    memory = Memory()
    with attempts_at("two", memory=memory) as attempts:
        attempts.first()
        attempts.next(failure(KEY, Blame.KEY_REFUSED))
        attempts.next(failure(NEVER, Blame.KEY_LIMITED))
    standings = {label: known.standing for label, known in memory.rings["two"].keys.items()}
    assert (standings["k1"].is_rejected, standings["k2"].limited) == (True, 1)


def failing(memory: Memory, *targets: str, blame: Blame, times: int) -> None:
    """So many calls that fail at their first try."""
    for _ in range(times):
        with attempts_at(*targets, memory=memory) as attempts:
            attempts.first()
            attempts.next(failure(NEVER, blame))


def test_a_target_that_fails_again_and_again_is_passed_over_while_there_is_another() -> None:
    memory = Memory()
    failing(memory, "one", blame=Blame.TARGET, times=4)
    assert walk(attempts_at("one", "none", memory=memory), []) == ["one:k1"]
    failing(memory, "one", blame=Blame.TARGET, times=1)
    assert walk(attempts_at("one", "none", memory=memory), []) == ["none:-"]
    assert walk(attempts_at("one", memory=memory), [TARGET]) == ["one:k1", "over"]


def test_a_provider_that_can_not_be_reached_is_passed_over_at_once_whatever_the_model() -> None:
    memory = Memory()
    failing(memory, "one", blame=Blame.TARGET_DOWN, times=1)
    assert walk(attempts_at("none", "one", memory=memory), [TARGET]) == ["none:-", "over"]
    assert walk(attempts_at("one", "none", memory=memory), []) == ["none:-"]


def test_a_target_that_goes_out_by_a_failure_is_not_tried_with_another_key() -> None:
    memory = Memory()
    failing(memory, "four", blame=Blame.TARGET, times=4)
    attempts = attempts_at("four", "none", memory=memory)
    assert shown(attempts.first()) == "four:k1"
    assert shown(following(attempts, failure(KEY, Blame.TARGET))) == "none:-"


def test_more_tries_than_the_budget_of_a_provider_are_not_made() -> None:
    memory, made = Memory(), []
    for _ in range(100):
        with attempts_at("two", memory=memory) as attempts:
            made.append(len(walk(attempts, [KEY])) - (attempts.made == 1))
    assert sum(made) - 100 == 30  # Three a second for ten seconds.
    assert set(busy(memory, "two").values()) == {0}


def test_another_key_of_a_provider_in_trouble_is_tried_after_a_while() -> None:
    attempts = attempts_at("four")
    attempts.first()
    assert attempts.next(failure(KEY, Blame.TARGET)) == Pause(0.1)
    assert shown(attempts.resumed()) == "four:k2"
    assert shown(following(attempts, failure(KEY, Blame.KEY_LIMITED))) == "four:k3"


def paused(*targets: str, memory: Memory) -> Attempts:
    """Behind a fault of the first target's."""
    attempts = attempts_at(*targets, memory=memory)
    attempts.first()
    assert isinstance(attempts.next(failure(KEY, Blame.TARGET)), Pause)
    return attempts


def test_a_pause_holds_neither_a_key_nor_a_place_at_the_provider() -> None:
    memory = Memory()
    with paused("two", memory=memory) as attempts:
        assert (busy(memory, "two"), memory.meters.provider("two").in_flight) == ({"k1": 0, "k2": 0}, 0)
        attempts.resumed()
        assert (busy(memory, "two"), memory.meters.provider("two").in_flight) == ({"k1": 0, "k2": 1}, 1)
    assert (busy(memory, "two"), memory.meters.provider("two").in_flight) == ({"k1": 0, "k2": 0}, 0)


def test_a_key_that_came_to_rest_during_a_pause_is_not_used() -> None:
    memory = Memory()
    attempts = paused("four", memory=memory)
    memory.rings["four"].keys["k2"].standing.blamed(Blame.KEY_LIMITED, 60, NOW.timestamp(), cooldown_s=60)
    assert shown(attempts.resumed()) == "four:k3"


def test_where_no_key_is_left_behind_a_pause_another_target_is_tried() -> None:
    memory = Memory()
    attempts = paused("two", "none", memory=memory)
    memory.rings["two"].keys["k2"].standing.blamed(Blame.KEY_SPENT, None, NOW.timestamp(), cooldown_s=60)
    assert shown(attempts.resumed()) == "none:-"


def test_a_target_that_went_out_during_a_pause_is_passed_over_while_there_is_another() -> None:
    memory = Memory()
    alone, attempts = paused("four", memory=memory), paused("four", "none", memory=memory)
    failing(memory, "four", blame=Blame.TARGET, times=3)
    assert shown(attempts.resumed()) == "none:-"
    assert shown(alone.resumed()).startswith("four:")


def test_a_provider_that_is_full_behind_a_pause_is_not_asked() -> None:
    memory = Memory()
    attempts, other = paused("narrow", memory=memory), attempts_at("narrow", memory=memory)
    assert shown(other.first()) == "narrow:k2"
    assert shown(attempts.resumed()) == "over"
    assert shown(following(other, failure(KEY, Blame.KEY_LIMITED))) == "narrow:k1"  # Its own place is its own.


def test_no_try_begins_behind_a_pause_that_outlasts_the_time_for_all() -> None:
    attempts = paused("short", memory=Memory())  # The clock goes on by a second each time that it is read.
    assert shown(attempts.resumed()) == "over"


def test_what_the_budget_forbids_is_not_counted_as_a_use_of_a_key() -> None:
    memory = Memory()
    for _ in range(50):
        with attempts_at("two", memory=memory) as attempts:
            walk(attempts, [KEY])
    assert sum(known.meters.calls for known in memory.rings["two"].keys.values()) == 80


def test_a_key_that_came_to_rest_meanwhile_is_not_repeated_on_a_fresh_connection() -> None:
    memory = Memory()
    attempts = attempts_at("two", memory=memory)
    attempts.first()
    memory.rings["two"].keys["k1"].standing.blamed(Blame.KEY_LIMITED, 60, NOW.timestamp(), cooldown_s=60)
    assert shown(following(attempts, failure(SAME, Blame.TARGET))) == "two:k2"


def racing(*targets: str, memory: Memory) -> tuple[Attempts, Attempts]:
    """Two at a time for one call."""
    tally = Tally()
    first, second = (attempts_at(*targets, memory=memory, tally=tally) for _ in range(2))
    return first, second


def test_of_two_at_a_time_none_comes_to_a_target_of_the_other() -> None:
    first, second = racing("one", "two", "none", memory=Memory())
    assert [shown(first.first()), shown(second.first())] == ["one:k1", "two:k1"]
    assert shown(following(first, failure(TARGET))) == "none:-"
    assert shown(following(second, failure(TARGET))) == "over"


def test_where_the_first_of_two_was_passed_over_the_other_does_not_come_to_the_one_that_took_its_place() -> None:
    memory = Memory()
    failing(memory, "one", blame=Blame.TARGET_DOWN, times=1)
    first, second = racing("one", "two", memory=memory)
    assert [shown(first.first()), shown(second.first())] == ["two:k1", "over"]


def test_two_at_a_time_have_one_time_for_all() -> None:
    first, second = racing("one", "two", memory=Memory())
    attempts = (first.first(), second.first())
    assert [attempt.ends_s for attempt in attempts if attempt] == [math.inf, 1800 + 2]
    late = racing("short", "one", memory=Memory())
    late[0].first()
    assert shown(following(late[0], failure(TARGET))) == "one:k1"
    assert shown(late[1].first()) == "over"


def test_the_other_of_two_asks_a_provider_again_as_its_budget_allows() -> None:
    memory = Memory()
    for _ in range(40):
        with attempts_at("two", memory=memory) as attempts:
            walk(attempts, [KEY])
    first, second = racing("two", "two", "none", memory=memory)
    assert [shown(first.first()), shown(second.first())] == ["two:k1", "none:-"]


def test_a_fault_of_the_target_is_tried_with_another_key_where_there_is_no_other_target() -> None:
    attempts = attempts_at("four")
    assert shown(attempts.first()) == "four:k1"
    assert shown(following(attempts, failure(TARGET, Blame.TARGET))) == "four:k2"
    assert shown(following(attempts, failure(TARGET, Blame.TARGET_DOWN))) == "over"
    with_another = attempts_at("four", "none")
    with_another.first()
    assert shown(following(with_another, failure(TARGET, Blame.TARGET))) == "none:-"


def test_a_provider_that_serves_for_another_is_no_retry_of_its_own() -> None:
    memory = Memory()
    for _ in range(100):
        with attempts_at("one", "none", memory=memory) as attempts:
            assert walk(attempts, [TARGET]) == ["one:k1", "none:-"]


def test_where_the_budget_of_a_provider_is_spent_the_next_one_is_asked() -> None:
    memory = Memory()
    for _ in range(40):
        with attempts_at("four", memory=memory) as attempts:
            walk(attempts, [KEY])
    with attempts_at("four", "none", memory=memory) as attempts:
        assert walk(attempts, [KEY])[1] == "none:-"
    assert set(busy(memory, "four").values()) == {0}


def test_a_target_that_was_passed_over_is_tried_once_it_is_back() -> None:
    memory = Memory()
    with attempts_at("one", "two", resting=["k1"], memory=memory) as attempts:
        assert shown(attempts.first()) == "two:k2"
        memory.rings["one"].keys["k1"].standing.rests_until_s = 0
        assert shown(following(attempts, failure(TARGET))) == "one:k1"
