from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.attempts import MAX_ATTEMPTS, Attempt, Attempts
from relay.errors import ErrorFacts, Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import Key, KeyState, choose
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Connection
from tests.config.parsing import configured

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NEVER, SAME, KEY, TARGET = Retry.NEVER, Retry.SAME_ONCE, Retry.OTHER_KEY, Retry.OTHER_TARGET


def provider_with(name: str, keys: int) -> Provider:
    listed = ", ".join(f"{{key: sk-{number}, label: k{number}}}" for number in range(1, keys + 1))
    return build(configured(f"providers: {{{name}: {{base_url: 'http://127.0.0.1:9', keys: [{listed}]}}}}"))[name]


PROVIDERS = {name: provider_with(name, keys) for name, keys in [("none", 0), ("one", 1), ("two", 2), ("four", 4)]}


class RoundRobin:
    """Chooses keys as the relay does; labels in `resting` can't be used."""

    def __init__(self, resting: Collection[str] = ()) -> None:
        self._resting = resting
        self._states: dict[str, KeyState] = {}

    def __call__(self, provider: Provider, tried: Collection[str]) -> Key | None:
        state = self._states.setdefault(provider.name, KeyState())
        return choose(provider.keys, state, now=NOW, tried={*tried, *self._resting})


def attempts_at(*providers: str, resting: Collection[str] = ()) -> Attempts:
    targets = [Target(name, f"model-{number}") for number, name in enumerate(providers)]
    return Attempts(targets, PROVIDERS, RoundRobin(resting))


def failure(retry: Retry) -> UpstreamError:
    return UpstreamError(ErrorFacts(502, "failed", "server_error", "api_error"), retry)


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
