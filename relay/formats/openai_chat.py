"""OpenAI Chat Completions, and the framing and errors of the endpoints around it (completions, embeddings, ...).

Sources: OpenAI API reference, "Create chat completion" and "The chat completion chunk object" (read 2026-11-24);
openai-python `_streaming.py`: a stream ends at `[DONE]`, and an event whose `error` is true in Python's sense raises.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import orjson

from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.sse import read_event, write_event

_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


def error_body(facts: ErrorFacts, request_id: str) -> bytes:
    """`{"error": {message, type, param, code}}`."""
    return orjson.dumps({"error": error_object(facts)})


def error_object(facts: ErrorFacts) -> dict[str, str | None]:
    """The inner object, shared with Responses."""
    return {"message": facts.message, "type": facts.openai_type, "param": facts.param, "code": facts.code}


def error_event(facts: ErrorFacts, request_id: str, sent: bytes) -> bytes:
    """A `data:` line with an `error`; nothing may follow it, `[DONE]` least of all."""
    return write_event(error_body(facts, request_id))


def ask_for_usage(body: MutableMapping[str, Any]) -> None:
    """Set `stream_options.include_usage`, keeping every other option."""
    options = body.get("stream_options")
    body["stream_options"] = (
        {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
    )


def wants_usage(body: MutableMapping[str, Any]) -> bool:
    """Whether the client itself asked for the usage chunk."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def is_usage_only(raw_event: bytes) -> bool:
    """Whether this is the one chunk that `include_usage` adds: no choices AND a usage object.

    Azure's first chunk has no choices either, and OpenAI writes `usage: null` into every chunk: both stay.
    """
    if not _NO_CHOICES.search(raw_event):
        return False
    data = read_event(raw_event).data
    try:
        chunk = orjson.loads(data or b"")
    except orjson.JSONDecodeError:
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


PARTS = DialectParts(
    error_body=error_body,
    error_event=error_event,
    end_words=(b"[DONE]",),
    end_mark=re.compile(rb"(?:^|(?<=[\r\n]))data: ?\[DONE\]"),
    end_is_bare=True,
    error_word=b'"error"',
    error_mark=re.compile(rb'"error"\s*:\s*[{"]'),
    finish_mark=re.compile(rb'"finish_reason"\s*:\s*"'),
    end_event=b"data: [DONE]\n\n",
    answer_key="choices",
    overloaded_status=503,
)
