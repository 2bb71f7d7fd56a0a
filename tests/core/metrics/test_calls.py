"""What one call adds to the numbers, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relay.core.metrics import CallCounter, CallTallies, Histogram
from relay.core.metrics.series import Labels
from relay.model import AttemptRecord, CallRecord, Dialect, Outcome, Target, Usage
from tests.core.metrics.test_labels import model_labels

UP = Target("up", "Known-1")
FIELDS: dict[str, Any] = {
    "call_id": "call-1",
    "request_id": "req_1",
    "received_at": datetime(2026, 7, 1, tzinfo=UTC),
    "api_key": "main",
    "client_ip": "192.0.2.1",
    "user_agent": "curl/8",
    "endpoint": "/v1/chat/completions",
    "dialect": Dialect.CHAT,
    "model": "known-1",
    "target": UP,
    "key_label": "key-2",
    "attempts": (
        AttemptRecord(UP, "key-1", 429, "rate_limit_exceeded", 50),
        AttemptRecord(UP, "key-2", 200, None, 700),
    ),
    "status_code": 200,
    "outcome": Outcome.COMPLETE,
    "is_stream": True,
    "first_token_ms": 760,
    "latency_ms": 2500,
    "usage": Usage(10, 4, None, None, 7, 0),
    "error_type": None,
    "overhead_us": 800,
}
NOBODY_ASKED: dict[str, Any] = {
    "model": None, "target": None, "key_label": None, "attempts": (), "status_code": 400, "first_token_ms": None,
    "outcome": Outcome.REJECTED, "usage": None, "overhead_us": None, "latency_ms": 1,
}  # fmt: skip


def counted(*calls: dict[str, Any]) -> CallTallies:
    tallies = CallTallies()
    counter = CallCounter(tallies, model_labels())
    for more in calls:
        counter.count(CallRecord(**{**FIELDS, **more}))
    return tallies


def totals(histogram: Histogram) -> dict[Labels, float]:
    return {labels: round(spread.total, 9) for labels, spread in histogram.spreads.items()}


def test_a_call_is_counted_by_what_its_client_saw() -> None:
    tallies = counted({}, {}, {"outcome": Outcome.CLIENT_GONE, "status_code": 499}, NOBODY_ASKED)
    assert tallies.requests.totals == {
        ("/v1/chat/completions", "up", "Known-1", "200", "complete"): 2,
        ("/v1/chat/completions", "up", "Known-1", "499", "client_gone"): 1,
        ("/v1/chat/completions", "", "", "400", "rejected"): 1,
    }


def test_each_attempt_is_counted_by_its_key_and_how_it_went() -> None:
    tallies = counted({}, {"attempts": (AttemptRecord(Target("local", "m"), None, None, None, 5),)})
    assert tallies.attempts.totals == {
        ("up", "key-1", "rate_limit_exceeded"): 1,
        ("up", "key-2", "ok"): 1,
        ("local", "", "cut"): 1,
    }
    assert totals(tallies.attempt_s) == {("up",): 0.75, ("local",): 0.005}


def test_tokens_are_counted_by_kind_as_far_as_they_were_told() -> None:
    tallies = counted({}, {"usage": Usage(cache_write_5m_tokens=1, cache_write_1h_tokens=2, reasoning_tokens=3)})
    of_one = {kind: amount for (_, _, kind), amount in tallies.tokens.totals.items()}
    assert of_one == {
        "input": 10, "cache_read": 4, "output": 7, "cache_write_5m": 1, "cache_write_1h": 2, "reasoning": 3,
    }  # fmt: skip


def test_times_are_in_seconds() -> None:
    tallies = counted({}, NOBODY_ASKED)
    assert totals(tallies.request_s) == {
        ("/v1/chat/completions", "up", "Known-1"): 2.5,
        ("/v1/chat/completions", "", ""): 0.001,
    }
    assert totals(tallies.first_token_s) == {("up", "Known-1"): 0.76}
    assert totals(tallies.overhead_s) == {(): 0.0008}


def test_an_answer_that_came_whole_has_no_first_token() -> None:
    assert totals(counted({"is_stream": False}).first_token_s) == {}


def test_a_call_without_a_target_has_no_overhead() -> None:
    (spread,) = counted(NOBODY_ASKED).overhead_s.spreads.values()
    assert sum(spread.counts) == 0


def test_five_thousand_names_of_models_are_one() -> None:
    tallies = counted(*({"model": f"gpt-{number}", "target": Target("up", f"gpt-{number}")} for number in range(5000)))
    assert tallies.requests.totals == {("/v1/chat/completions", "up", "other", "200", "complete"): 5000}
    assert len(tallies.request_s.spreads) == len(tallies.first_token_s.spreads) == 1


@given(st.text(), st.sampled_from(Outcome), st.integers(100, 999), st.text() | st.none())
def test_no_record_is_too_strange_to_be_counted(model: str, outcome: Outcome, status: int, error: str | None) -> None:
    attempts = (AttemptRecord(Target("up", model), None, status, error, 0),)
    tallies = counted({"model": model, "outcome": outcome, "status_code": status, "attempts": attempts})
    assert sum(tallies.requests.totals.values()) == sum(tallies.attempts.totals.values()) == 1
