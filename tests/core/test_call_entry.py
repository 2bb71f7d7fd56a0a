"""What becomes of a call's entry when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from relay.core.call_entry import CLIENT_CLOSED_REQUEST, MAX_MODEL, MAX_USER_AGENT, CallEntry
from relay.core.endpoints import ENDPOINTS
from relay.model import AttemptRecord, CallRecord, Dialect, Outcome, Principal, Role, Target, Usage

RECEIVED_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
RECEIVED_S = 100.0
(MESSAGES,) = [endpoint for endpoint in ENDPOINTS if endpoint.path == "/v1/messages"]


def entry_of(**more: Any) -> CallEntry:
    given: dict[str, Any] = {"user_agent": "curl/8", **more}
    return CallEntry(
        call_id="call-1",
        request_id="req_1",
        received_at=RECEIVED_AT,
        received_s=RECEIVED_S,
        endpoint=MESSAGES,
        principal=Principal("main", Role.USER),
        client_ip="192.0.2.1",
        **given,
    )


def attempt(provider: str, key_label: str | None) -> AttemptRecord:
    return AttemptRecord(Target(provider, "inner"), key_label, 200, None, 5)


def test_a_record_says_all_that_its_entry_knew() -> None:
    attempts = [attempt("one", "k1"), attempt("two", "k2")]
    usage = Usage(input_tokens=3, output_tokens=4)
    entry = entry_of(model="m", is_stream=True, first_byte_s=RECEIVED_S + 0.25, usage=usage, overhead_s=0.00125)
    for one in attempts:
        entry.trail.add(one, 0)
    entry.completed(200)
    assert entry.record(RECEIVED_S + 1.5) == CallRecord(
        call_id="call-1",
        request_id="req_1",
        received_at=RECEIVED_AT,
        api_key="main",
        client_ip="192.0.2.1",
        user_agent="curl/8",
        endpoint="/v1/messages",
        dialect=Dialect.MESSAGES,
        model="m",
        target=Target("two", "inner"),
        key_label="k2",
        attempts=tuple(attempts),
        status_code=200,
        outcome=Outcome.COMPLETE,
        is_stream=True,
        first_token_ms=250,
        latency_ms=1500,
        usage=usage,
        error_type=None,
        overhead_us=1250,
    )


def test_a_call_that_nobody_was_asked_for_has_no_target() -> None:
    entry = entry_of()
    entry.failed(Outcome.REJECTED, 400, "invalid_request_error")
    record = entry.record(RECEIVED_S)
    assert (record.target, record.key_label, record.attempts, record.model) == (None, None, (), None)


def test_a_call_without_a_target_has_no_overhead() -> None:
    assert entry_of().record(RECEIVED_S + 1).overhead_us is None


def test_a_call_without_a_first_byte_has_no_time_to_it() -> None:
    assert entry_of().record(RECEIVED_S + 1).first_token_ms is None


ENDS: dict[str, tuple[Callable[[CallEntry], None], tuple[Outcome, int, str | None]]] = {
    "completed": (lambda entry: entry.completed(201), (Outcome.COMPLETE, 201, None)),
    "refused": (lambda entry: entry.failed(Outcome.REFUSED, 502, "x"), (Outcome.REFUSED, 502, "x")),
    "gone": (lambda entry: entry.left(Outcome.CLIENT_GONE), (Outcome.CLIENT_GONE, CLIENT_CLOSED_REQUEST, None)),
    "stalled": (
        lambda entry: entry.left(Outcome.CLIENT_STALLED),
        (Outcome.CLIENT_STALLED, CLIENT_CLOSED_REQUEST, None),
    ),
    "neither": (lambda entry: None, (Outcome.REFUSED, 500, "internal_error")),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_has_an_outcome_a_status_and_perhaps_an_error(end: str) -> None:
    close, told = ENDS[end]
    entry = entry_of()
    close(entry)
    record = entry.record(RECEIVED_S)
    assert (record.outcome, record.status_code, record.error_type) == told


def test_a_failure_does_not_change_the_status_that_went_out_before_it() -> None:
    entry = entry_of(status=200)
    entry.failed(Outcome.UPSTREAM_BROKEN, 502, "stream_truncated")
    record = entry.record(RECEIVED_S)
    assert (record.outcome, record.status_code, record.error_type) == (Outcome.UPSTREAM_BROKEN, 200, "stream_truncated")


def test_a_clock_that_stands_still_or_goes_back_makes_no_negative_time() -> None:
    entry = entry_of(first_byte_s=RECEIVED_S - 1)
    record = entry.record(RECEIVED_S - 2)
    assert (record.first_token_ms, record.latency_ms) == (0, 0)


def test_what_a_client_chose_is_kept_up_to_a_length() -> None:
    record = entry_of(user_agent="u" * 1000, model="m" * 1000).record(RECEIVED_S)
    assert (record.user_agent, record.model) == ("u" * MAX_USER_AGENT, "m" * MAX_MODEL)


def test_a_record_does_not_change_with_what_its_entry_learns_later() -> None:
    entry = entry_of()
    record = entry.record(RECEIVED_S)
    entry.trail.add(attempt("one", None), 0)
    assert record.attempts == ()
