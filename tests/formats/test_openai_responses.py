"""What only OpenAI Responses has: its error event and its three ends."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorFacts
from relay.formats.openai_responses import error_event, is_end
from relay.formats.sse import Event, write_event
from tests.formats import reference

FACTS = ErrorFacts(502, "Broken", "server_error", "api_error", "stream_truncated", "input")


def number_after(sent: bytes) -> object:
    """The sequence number of the error event that follows these events."""
    return orjson.loads(reference.read(error_event(FACTS, "req_1", sent))[0].data or b"")["sequence_number"]


def numbered(number: object) -> bytes:
    return write_event(orjson.dumps({"type": "response.output_text.delta", "sequence_number": number}))


def test_an_error_event_says_it_twice_for_both_kinds_of_clients() -> None:
    (message,) = reference.read(error_event(FACTS, "req_1", numbered(7)))
    assert message.name == "error"
    assert orjson.loads(message.data or b"") == {
        "type": "error",
        "code": "stream_truncated",
        "message": "Broken",
        "param": "input",
        "sequence_number": 8,
        "error": {"message": "Broken", "type": "server_error", "param": "input", "code": "stream_truncated"},
    }


def test_an_error_without_a_code_has_its_type_for_one() -> None:
    bare = ErrorFacts(502, "Broken", "server_error", "api_error")
    assert orjson.loads(reference.read(error_event(bare, "req_1", b""))[0].data or b"")["code"] == "server_error"


@given(numbers=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_the_number_follows_that_of_the_last_event(numbers: list[int]) -> None:
    assert number_after(b"".join(map(numbered, numbers))) == numbers[-1] + 1


@pytest.mark.parametrize("sent", [b"", b": 7\n\n", b"data: [DONE]\n\n", b"data: {}\n\n", b"data: 7\n\n"])
def test_without_an_event_before_it_the_number_is_the_first(sent: bytes) -> None:
    assert number_after(sent) == 0


@pytest.mark.parametrize("odd", [None, "7", 7.5, -1, 2**53, 2**64 - 1, [7]])
def test_a_number_that_is_none_is_passed_over(odd: object) -> None:
    assert number_after(numbered(3) + numbered(odd)) == 4


@given(text=st.text())
def test_only_the_events_own_number_counts(text: str) -> None:
    inner = {"sequence_number": 99, "text": f'"sequence_number":98{text}'}
    assert number_after(write_event(orjson.dumps({"sequence_number": 5, "response": inner}))) == 6


@pytest.mark.parametrize("name", ["response.completed", "response.incomplete", "response.failed"])
def test_each_of_the_three_ends_is_one(name: str) -> None:
    assert is_end(Event(name, b"{}"))
    assert is_end(Event("", orjson.dumps({"response": {}, "type": name})))


@pytest.mark.parametrize("name", ["response.created", "response.complete", "error", "response.output_text.done", ""])
def test_no_other_event_is_an_end(name: str) -> None:
    assert not is_end(Event(name, orjson.dumps({"type": name, "response": {"type": "response.completed"}})))
