"""OpenAI Chat Completions, and the framing and errors of the endpoints around it (completions, embeddings, ...).

Sources: OpenAI API reference, "Create chat completion" and "The chat completion chunk object" (read 2026-11-24);
openai-python `_streaming.py`: a stream ends at `[DONE]`, and an event whose `error` is true in Python's sense raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Set
from typing import Any

import orjson

from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.event_data import read_data, tells_error_in_data
from relay.formats.sse import Event, find_events, read_event, write_event
from relay.model import Dialect

_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')


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


def without_usage_chunk(block: bytes) -> bytes:
    """The events without the one that `include_usage` adds."""
    kept, at = [], 0
    for start, end in find_events(block, _NO_CHOICES):
        if is_usage_only(block[start:end]):
            kept.append(block[at:start])
            at = end
    return b"".join((*kept, block[at:])) if at else block


def is_usage_only(raw_event: bytes) -> bool:
    """Whether this is the one chunk that `include_usage` adds: no choices AND a usage object.

    Azure's first chunk has no choices either, and OpenAI writes `usage: null` into every chunk: both stay.
    """
    if not _NO_CHOICES.search(raw_event):
        return False
    chunk = read_data(read_event(raw_event)) or {}
    return chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def is_end(event: Event) -> bool:
    """`[DONE]`, as openai-python reads it: what follows on the same line does not count."""
    return event.data is not None and event.data.startswith(b"[DONE]")


def finished_choices(block: bytes) -> Set[int]:
    """The indexes of the choices that have a reason to be finished in these events.

    Providers write null or "" while a choice goes on, and some give the reason once more in their last chunk.
    """
    chunks = (read_data(read_event(block[start:end])) or {} for start, end in find_events(block, _FINISHED))
    return {index for chunk in chunks for index in _finished_in(chunk)}


def _finished_in(chunk: dict[str, Any]) -> Iterator[int]:
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        index = choice.get("index", 0) if isinstance(choice, dict) and choice.get("finish_reason") else None
        if isinstance(index, int):
            yield index


PARTS = DialectParts(
    dialect=Dialect.CHAT,
    error_body=error_body,
    error_event=error_event,
    end_mark=re.compile(rb"\[DONE\]"),
    is_end=is_end,
    error_words=(b"error",),
    end_is_bare=True,
    raises_in_sdk=tells_error_in_data,
    finished_choices=finished_choices,
    end_event=b"data: [DONE]\n\n",
    answer_key="choices",
    overloaded_status=503,
)
