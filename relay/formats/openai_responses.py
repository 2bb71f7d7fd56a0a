"""OpenAI Responses.

Sources: OpenAI API reference, "Responses" and "Streaming events" (read 2026-11-24); openai-python `_streaming.py`:
only an `error` object in the data makes it raise, while other clients look at `type` and `code` beside it.
"""

from __future__ import annotations

import re

import orjson

from relay.errors import ErrorFacts
from relay.formats.dialect import TYPED_ERROR_MARK, DialectParts
from relay.formats.openai_chat import error_body, error_object
from relay.formats.sse import write_event

_SEQUENCE_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')


def error_event(facts: ErrorFacts, request_id: str, sent: bytes) -> bytes:
    """`event: error` with the fields of the reference AND the same in an `error` object; nothing may follow it."""
    inner = error_object(facts)
    numbers = _SEQUENCE_NUMBER.findall(sent)
    following = int(numbers[-1]) + 1 if numbers else 0
    document = {
        "type": "error",
        "code": facts.code or facts.openai_type,
        "message": facts.message,
        "param": facts.param,
        "sequence_number": following,
        "error": inner,
    }
    return write_event(orjson.dumps(document), "error")


_TERMINAL = rb"response\.(?:completed|incomplete|failed)"

PARTS = DialectParts(
    error_body=error_body,
    error_event=error_event,
    end_words=(b"response.completed", b"response.incomplete", b"response.failed"),
    end_mark=re.compile(
        rb"(?:^|(?<=[\r\n]))(?:event: ?" + _TERMINAL + rb'(?=[\r\n])|data: ?\{\s*"type"\s*:\s*"' + _TERMINAL + rb'")'
    ),
    end_is_bare=False,
    error_word=b"error",
    error_mark=TYPED_ERROR_MARK,
    finish_mark=None,
    end_event=b"",
    answer_key="output",
    overloaded_status=503,
)
