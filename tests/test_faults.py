"""Every fault: what a client is told of it, and that it tells nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest

from relay import faults
from relay.errors import Retry, UpstreamError

Row = tuple[int, str, str, str, Retry]
SERVER, API = "server_error", "api_error"
ROWS: dict[str, Row] = {
    "unreachable": (502, SERVER, API, "upstream_unreachable", Retry.OTHER_TARGET),
    "connect_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.OTHER_TARGET),
    "first_byte_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.OTHER_TARGET),
    "idle_timeout": (504, SERVER, API, "stream_idle_timeout", Retry.OTHER_TARGET),
    "total_timeout": (504, SERVER, "timeout_error", "upstream_timeout", Retry.NEVER),
    "closed_before_head": (502, SERVER, API, "upstream_disconnected", Retry.SAME_ONCE),
    "disconnected": (502, SERVER, API, "upstream_disconnected", Retry.OTHER_TARGET),
    "protocol": (502, SERVER, API, "upstream_protocol", Retry.OTHER_TARGET),
    "redirect": (502, SERVER, API, "upstream_redirect", Retry.OTHER_TARGET),
    "empty": (502, SERVER, API, "empty_response", Retry.OTHER_TARGET),
    "bad_event": (502, SERVER, API, "bad_upstream_event", Retry.OTHER_KEY),
    "event_too_large": (502, SERVER, API, "event_too_large", Retry.NEVER),
    "truncated": (502, SERVER, API, "stream_truncated", Retry.OTHER_TARGET),
    "shutting_down": (503, SERVER, "overloaded_error", "shutting_down", Retry.NEVER),
    "out_of_descriptors": (503, SERVER, "overloaded_error", "relay_overloaded", Retry.NEVER),
    "no_key": (503, SERVER, API, "no_available_key", Retry.NEVER),
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
    assert (facts.status, facts.openai_type, facts.anthropic_type, facts.code, error.retry) == ROWS[name]


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_names_no_url_host_or_key(name: str) -> None:
    assert re.fullmatch(r"The [A-Za-z0-9 ,']+\.|None of [A-Za-z ']+\.", made(name).facts.message)


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_carries_no_words_of_a_provider(name: str) -> None:
    error = made(name)
    assert (error.body, str(error)) == (None, error.facts.message)


def test_an_event_that_is_too_large_says_how_large_it_may_be() -> None:
    assert "more than 16 bytes" in str(faults.event_too_large(16))
