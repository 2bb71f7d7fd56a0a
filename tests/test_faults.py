"""Every fault: what a client is told of it, and that it tells nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest

from relay import faults
from relay.errors import Blame, Retry, UpstreamError

Row = tuple[int, str, str, str, Retry, Blame]
SERVER, API, RATE = "server_error", "api_error", "rate_limit_error"
ROWS: dict[str, Row] = {
    "unreachable": (502, SERVER, API, "upstream_unreachable", Retry.OTHER_TARGET, Blame.TARGET_DOWN),
    "connect_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.OTHER_TARGET, Blame.TARGET_DOWN),
    "first_byte_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.OTHER_TARGET_ONCE, Blame.TARGET),
    "idle_timeout": (504, SERVER, API, "stream_idle_timeout", Retry.OTHER_TARGET, Blame.TARGET),
    "total_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.NEVER, Blame.TARGET),
    "closed_before_head": (502, SERVER, API, "upstream_disconnected", Retry.SAME_ONCE, Blame.TARGET),
    "disconnected": (502, SERVER, API, "upstream_disconnected", Retry.OTHER_TARGET, Blame.TARGET),
    "protocol": (502, SERVER, API, "upstream_protocol", Retry.OTHER_TARGET, Blame.TARGET),
    "redirect": (502, SERVER, API, "upstream_redirect", Retry.OTHER_TARGET, Blame.TARGET),
    "empty": (502, SERVER, API, "empty_response", Retry.OTHER_TARGET_ONCE, Blame.TARGET),
    "bad_event": (502, SERVER, API, "bad_upstream_event", Retry.OTHER_KEY, Blame.TARGET),
    "event_too_large": (502, SERVER, API, "event_too_large", Retry.NEVER, Blame.TARGET),
    "answer_too_large": (502, SERVER, API, "answer_too_large", Retry.NEVER, Blame.TARGET),
    "truncated": (502, SERVER, API, "stream_truncated", Retry.OTHER_TARGET, Blame.TARGET),
    "shutting_down": (503, SERVER, "overloaded_error", "shutting_down", Retry.NEVER, Blame.NOBODY),
    "out_of_descriptors": (503, SERVER, "overloaded_error", "relay_overloaded", Retry.NEVER, Blame.NOBODY),
    "no_key": (503, SERVER, API, "no_available_key", Retry.NEVER, Blame.NOBODY),
    "keys_rejected": (502, SERVER, API, "upstream_auth", Retry.OTHER_KEY, Blame.KEY_REFUSED),
    "keys_resting": (429, RATE, RATE, "rate_limit_exceeded", Retry.NEVER, Blame.NOBODY),
}


def functions() -> dict[str, Callable[..., UpstreamError]]:
    """The fault functions of the module."""
    own = inspect.getmembers(faults, lambda member: inspect.isfunction(member) and member.__module__ == faults.__name__)
    return {name: function for name, function in own if not name.startswith("_")}


def made(name: str) -> UpstreamError:
    function = functions()[name]
    return function(*[16 for _ in inspect.signature(function).parameters])


def test_every_fault_has_a_row_here() -> None:
    assert set(functions()) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_is_told_as_the_fault_table_says(name: str) -> None:
    error = made(name)
    facts = error.facts
    found = (facts.status, facts.openai_type, facts.anthropic_type, facts.code, error.retry, error.blame)
    assert found == ROWS[name]


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_names_no_url_host_or_key(name: str) -> None:
    assert re.fullmatch(r"(The|None of|All of) [A-Za-z0-9 ,';:]+\.", made(name).facts.message)


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_carries_no_words_of_a_provider(name: str) -> None:
    error = made(name)
    assert (error.body, str(error)) == (None, error.facts.message)


def test_an_event_that_is_too_large_says_how_large_it_may_be() -> None:
    assert "more than 16 bytes" in str(faults.event_too_large(16))


def test_an_answer_that_is_too_large_says_how_large_it_may_be() -> None:
    assert "more than 16 bytes" in str(faults.answer_too_large(16))
