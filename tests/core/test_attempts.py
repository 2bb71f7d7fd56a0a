from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.schema import Config
from relay.core.attempts import MAX_ATTEMPTS, Attempt, Attempts
from relay.core.means import Memory, means_of
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
from relay.model import Target
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Connection
from tests.config.parsing import configured
from tests.core.fakes import NOW, fake_clocks

NEVER, SAME, KEY, TARGET = Retry.NEVER, Retry.SAME_ONCE, Retry.OTHER_KEY, Retry.OTHER_TARGET
ONCE = Retry.OTHER_TARGET_ONCE


def provider_with(name: str, keys: int) -> Provider:
    listed = ", ".join(f"{{key: sk-{number}, label: k{number}}}" for number in range(1, keys + 1))
    return build(configured(f"providers: {{{name}: {{base_url: 'http://127.0.0.1:9', keys: [{listed}]}}}}"))[name]


PROVIDERS = {name: provider_with(name, keys) for name, keys in [("none", 0), ("one", 1), ("two", 2), ("four", 4)]}


CONFIG = Config()


def attempts_at(*providers: str, resting: Collection[str] = (), memory: Memory | None = None) -> Attempts:
    """At a model of each; keys with the labels in `resting` can't be used."""
    memory = memory or Memory()
    means = means_of(CONFIG, PROVIDERS, memory, fake_clocks())
    for ring in memory.rings.values():
        for label in ring.keys.keys() & set(resting):
            ring.keys[label].standing.blamed(Blame.KEY_LIMITED, 60, NOW.timestamp(), cooldown_s=60)
    targets = [Target(name, f"model-{number}") for number, name in enumerate(providers)]
    return Attempts(targets, means, fake_clocks())


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
        (["one", "two", "four"], [ONCE, ONCE], ["one:k1", "two:k1", "over"]),
        (["one", "two", "four"], [ONCE, TARGET], ["one:k1", "two:k1", "four:k1"]),
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


def busy(memory: Memory, provider: str) -> dict[str, int]:
    return {label: known.meters.in_flight for label, known in memory.rings[provider].keys.items()}


def test_a_slot_is_held_until_the_next_try_and_freed_at_the_end() -> None:
    memory = Memory()
    with attempts_at("two", memory=memory) as attempts:
        attempts.next()
        assert busy(memory, "two") == {"k1": 1, "k2": 0}
        attempts.next(failure(SAME))
        assert busy(memory, "two") == {"k1": 1, "k2": 0}
        attempts.next(failure(KEY))
        assert busy(memory, "two") == {"k1": 0, "k2": 1}
    assert busy(memory, "two") == {"k1": 0, "k2": 0}


def test_what_a_try_that_serves_holds_is_handed_over() -> None:
    memory = Memory()
    with attempts_at("one", memory=memory) as attempts:
        attempts.next()
        held = attempts.served()
    assert busy(memory, "one") == {"k1": 1}
    assert held is not None
    held.let_go(NOW)
    held.let_go(NOW)
    assert busy(memory, "one") == {"k1": 0}


def test_a_failure_is_laid_to_the_key_of_its_try() -> None:
    memory = Memory()
    with attempts_at("two", memory=memory) as attempts:
        attempts.next()
        attempts.next(failure(KEY, Blame.KEY_REFUSED))
        attempts.next(failure(NEVER, Blame.KEY_LIMITED))
    standings = {label: known.standing for label, known in memory.rings["two"].keys.items()}
    assert (standings["k1"].is_rejected, standings["k2"].limited) == (True, 1)


def failing(memory: Memory, *targets: str, blame: Blame, times: int) -> None:
    """So many calls that fail at their first try."""
    for _ in range(times):
        with attempts_at(*targets, memory=memory) as attempts:
            attempts.next()
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
    assert shown(attempts.next()) == "four:k1"
    assert shown(attempts.next(failure(KEY, Blame.TARGET))) == "none:-"


def test_more_tries_than_the_budget_of_a_provider_are_not_made() -> None:
    memory, made = Memory(), []
    for _ in range(100):
        with attempts_at("two", memory=memory) as attempts:
            made.append(len(walk(attempts, [KEY])) - (attempts.made == 1))
    assert sum(made) - 100 == 30  # Three a second for ten seconds.
    assert set(busy(memory, "two").values()) == {0}


def test_another_key_of_a_provider_in_trouble_is_tried_after_a_while() -> None:
    attempts = attempts_at("four")
    attempts.next()
    waits = [attempts.next(failure(KEY, blame)) for blame in (Blame.TARGET, Blame.KEY_LIMITED)]
    assert [wait.delay_s if wait else None for wait in waits] == [0.1, 0]


def test_a_fault_of_the_target_is_tried_with_another_key_where_there_is_no_other_target() -> None:
    attempts = attempts_at("four")
    assert shown(attempts.next()) == "four:k1"
    assert shown(attempts.next(failure(TARGET, Blame.TARGET))) == "four:k2"
    assert shown(attempts.next(failure(TARGET, Blame.TARGET_DOWN))) == "over"
    with_another = attempts_at("four", "none")
    with_another.next()
    assert shown(with_another.next(failure(TARGET, Blame.TARGET))) == "none:-"


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
