"""What only Anthropic Messages has: its errors and `message_stop`."""

from __future__ import annotations

import orjson
import pytest

from relay.errors import ErrorFacts
from relay.formats.anthropic_messages import error_body, error_event, is_end
from relay.formats.sse import Event
from tests.formats import reference

FACTS = ErrorFacts(529, "Overloaded", "server_error", "overloaded_error", "ignored", "ignored")
BODY = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}


def test_an_error_body_has_a_type_an_error_and_the_request_id() -> None:
    assert orjson.loads(error_body(FACTS, "req_1")) == BODY


def test_an_error_event_has_its_name_and_the_same_data() -> None:
    (message,) = reference.read(error_event(FACTS, "req_1", b""))
    assert (message.name, orjson.loads(message.data or b"")) == ("error", BODY)


@pytest.mark.parametrize(
    "event", [Event("message_stop", b'{"type":"message_stop"}'), Event("", b'{"type":"message_stop"}')]
)
def test_message_stop_is_the_end(event: Event) -> None:
    assert is_end(event)


@pytest.mark.parametrize(
    "event", [Event("message_delta", b'{"type":"message_delta"}'), Event("ping", b"{}"), Event("", None)]
)
def test_nothing_else_is_the_end(event: Event) -> None:
    assert not is_end(event)
