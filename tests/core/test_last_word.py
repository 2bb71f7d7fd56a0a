"""What a client is told when nothing served."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from relay import faults
from relay.core.attempts import MAX_ATTEMPTS
from relay.core.last_word import last_word
from relay.errors import UpstreamError
from relay.formats.registry import DIALECTS
from relay.formats.verdict import refused
from relay.model import Dialect
from relay.upstream.keyring import Shortage


def resting(*waits_s: float | None, are_rejected: bool = False) -> list[Shortage]:
    return [Shortage(wait_s, are_rejected) for wait_s in waits_s]


def refusal(status: int, wait_s: float | None = None) -> UpstreamError:
    return refused(status, b"", DIALECTS[Dialect.CHAT], wait_s=wait_s)


@pytest.mark.parametrize(
    ("shortages", "status", "code", "retry_after_s", "should_retry"),
    [
        (resting(None), 503, "no_available_key", None, None),
        (resting(), 503, "no_available_key", None, None),
        (resting(7.2), 429, "rate_limit_exceeded", 8, None),
        (resting(0.01), 429, "rate_limit_exceeded", 1, None),
        (resting(0), 429, "rate_limit_exceeded", 1, None),
        (resting(900, None, 30.5), 429, "rate_limit_exceeded", 31, None),
        (resting(900), 429, "rate_limit_exceeded", 60, None),
        (resting(30, are_rejected=True), 502, "upstream_auth", None, False),
        ([*resting(30, are_rejected=True), *resting(9)], 429, "rate_limit_exceeded", 9, None),
        ([*resting(30, are_rejected=True), *resting(None)], 502, "upstream_auth", None, False),
    ],
)
def test_where_no_key_may_be_used_the_keys_say_why(
    shortages: Sequence[Shortage], status: int, code: str, retry_after_s: int | None, should_retry: bool | None
) -> None:
    told = last_word(None, shortages, 0).facts
    assert (told.status, told.code, told.retry_after_s, told.should_retry) == (
        status, code, retry_after_s, should_retry,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shortages", "retry_after_s"), [(resting(3, 50), 3), (resting(None), 20), (resting(0.0), 1), ([], 20)]
)
def test_a_rate_limit_is_told_with_the_wait_for_the_nearest_key(
    shortages: Sequence[Shortage], retry_after_s: int
) -> None:
    error = last_word(refusal(429, 20), shortages, 2)
    assert (error.facts.status, error.facts.retry_after_s, error.wait_s) == (429, retry_after_s, 20)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
def test_what_the_relay_has_tried_often_enough_the_client_need_not_try(status: int) -> None:
    assert last_word(refusal(status), [], MAX_ATTEMPTS).facts.should_retry is False
    assert last_word(refusal(status), [], MAX_ATTEMPTS - 1).facts.should_retry is None


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_of_the_request_is_told_as_it_is(status: int) -> None:
    error = refusal(status)
    assert last_word(error, resting(5), MAX_ATTEMPTS) is error


def test_what_was_kept_of_a_failure_is_kept() -> None:
    error = faults.disconnected()
    error.headers, error.upstream_request_id = (("x-ratelimit-limit", "5"),), "req_up"
    told = last_word(error, [], MAX_ATTEMPTS)
    assert (told.headers, told.upstream_request_id, told.blame) == (error.headers, "req_up", error.blame)
