"""One answer in each dialect, whole: what a scripted upstream sends where nothing goes wrong.

Its words hold what framing stumbles over: letters of two and three bytes, one of four, and U+2028, which is a line
separator to some and no line end in an event stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from relay.model import Dialect

WORDS = ["Der ", "Fuß, ", "ein ", "Maß ", "— ", "and a \u2028 separator, ", "then ", "🙂 ", "and more words ", "to cut"]
TEXT = "".join(WORDS)


def event(data: object, name: str = "") -> bytes:
    """One event; nameless where no name is given."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"


def chat_chunk(delta: object, finish: str | None = None, **more: object) -> bytes:
    """A chunk with one choice."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more})


def chat_events(words: Sequence[str] = WORDS) -> list[bytes]:
    """Chat Completions: the role, the words, the reason to finish, the end mark."""
    deltas = [
        chat_chunk({"role": "assistant", "content": ""}),
        *(chat_chunk({"content": word}) for word in words),
    ]
    return [*deltas, chat_chunk({}, "stop"), b"data: [DONE]\n\n"]


def messages_events(words: Sequence[str] = WORDS) -> list[bytes]:
    """Messages, from `message_start` to `message_stop`, with a ping between."""
    message: dict[str, Any] = {**_MESSAGE, "content": [], "stop_reason": None, "stop_sequence": None}
    start = {**message, "usage": {"input_tokens": 1, "output_tokens": 1}}
    deltas = [("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in words]
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": start}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("ping", {}),
        *deltas,
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 9}}),
        ("message_stop", {}),
    ]
    return [event({"type": name, **data}, name) for name, data in events]


def responses_events(words: Sequence[str] = WORDS) -> list[bytes]:
    """Responses, from `response.created` to `response.completed`."""
    response = {**_RESPONSE, "status": "in_progress", "output": []}
    part = {"item_id": "i", "output_index": 0, "content_index": 0}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response}),
        *(("response.output_text.delta", {**part, "delta": word, "logprobs": []}) for word in words),
        ("response.completed", {"response": {**response, "status": "completed"}}),
    ]
    numbered = enumerate(kinds)
    return [event({"type": name, "sequence_number": number, **data}, name) for number, (name, data) in numbered]


_MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "m"}
_RESPONSE = {"id": "r", "object": "response", "created_at": 1, "model": "m"}
_OUTPUT_TEXT = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
_OUTPUT = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [_OUTPUT_TEXT]}
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}

EVENTS: Mapping[Dialect, Sequence[bytes]] = {
    Dialect.CHAT: chat_events(),
    Dialect.RESPONSES: responses_events(),
    Dialect.MESSAGES: messages_events(),
}
"""The answer as a stream, event by event; the last one is the end mark."""
DOCUMENTS: Mapping[Dialect, bytes] = {
    Dialect.CHAT: orjson.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [_CHOICE]}
    ),
    Dialect.RESPONSES: orjson.dumps({**_RESPONSE, "status": "completed", "output": [_OUTPUT]}),
    Dialect.MESSAGES: orjson.dumps(
        {
            **_MESSAGE,
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 9},
        }
    ),
}
"""The same, plain."""
