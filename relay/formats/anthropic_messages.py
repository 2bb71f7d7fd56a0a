"""Anthropic Messages.

Sources: Anthropic API reference, "Messages", "Streaming messages" and "Errors" (read 2026-11-24); anthropic-sdk-python
`_streaming.py`: an error is raised for `event: error` only, whatever the data say.
"""

from __future__ import annotations

import re

import orjson

from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.event_data import is_of_type
from relay.formats.sse import Event, write_event
from relay.model import Dialect


def error_body(facts: ErrorFacts, request_id: str) -> bytes:
    """`{"type": "error", "error": {type, message}, "request_id"}`."""
    error = {"type": facts.anthropic_type, "message": facts.message}
    return orjson.dumps({"type": "error", "error": error, "request_id": request_id})


def error_event(facts: ErrorFacts, request_id: str, sent: bytes) -> bytes:
    """`event: error` AND its data."""
    return write_event(error_body(facts, request_id), "error")


def is_end(event: Event) -> bool:
    """`message_stop`."""
    return is_of_type(event, frozenset({"message_stop"}))


def is_named_error(event: Event) -> bool:
    """`event: error`; an error without that line is passed over by the SDK, whatever its data say."""
    return event.name == "error"


PARTS = DialectParts(
    dialect=Dialect.MESSAGES,
    error_body=error_body,
    error_event=error_event,
    end_mark=re.compile(rb"message_stop"),
    is_end=is_end,
    error_words=(b"error",),
    end_is_bare=True,
    raises_in_sdk=is_named_error,
    finished_choices=None,
    end_event=b"",
    answer_key="content",
    overloaded_status=529,
)
