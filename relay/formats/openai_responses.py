"""OpenAI Responses.

Sources: OpenAI API reference, "Responses" and "Streaming events" (read 2026-11-24); openai-python `_streaming.py`:
only an `error` object in the data makes it raise, while other clients look at `type` and `code` beside it.
"""

from __future__ import annotations

import re

import orjson

from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.event_data import is_of_type, read_data, tells_error_in_data
from relay.formats.openai_chat import error_body, error_object
from relay.formats.sse import Event, read_event, split_events, write_event
from relay.model import Dialect

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_MAX_SEQUENCE_NUMBER = 2**53
"""Up to here every JSON reader counts exactly; a larger one is no number of an event."""


def error_event(facts: ErrorFacts, request_id: str, sent: bytes) -> bytes:
    """`event: error` with the fields of the reference AND the same in an `error` object; nothing may follow it."""
    document = {
        "type": "error",
        "code": facts.code or facts.openai_type,
        "message": facts.message,
        "param": facts.param,
        "sequence_number": _following_number(sent),
        "error": error_object(facts),
    }
    return write_event(orjson.dumps(document), "error")


def is_end(event: Event) -> bool:
    """One of the three that carry the whole response."""
    return is_of_type(event, _TERMINAL)


def _following_number(sent: bytes) -> int:
    """One more than the last event's number; 0 where no event has one."""
    for raw in reversed(list(split_events(sent))):
        number = (read_data(read_event(raw)) or {}).get("sequence_number")
        if isinstance(number, int) and 0 <= number < _MAX_SEQUENCE_NUMBER:
            return number + 1
    return 0


PARTS = DialectParts(
    dialect=Dialect.RESPONSES,
    error_body=error_body,
    error_event=error_event,
    end_mark=re.compile(rb"response\.(?:completed|incomplete|failed)"),
    is_end=is_end,
    error_words=(b"error", b"response.failed"),
    end_is_bare=False,
    raises_in_sdk=tells_error_in_data,
    finished_choices=None,
    end_event=b"",
    answer_key="output",
    overloaded_status=503,
)
