"""What goes over the seam: an incoming body, and an answer as the pieces it is handed over in.

Pure. Every answer is encoded whole before its head is given out, so that nothing can fail half-way through a stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from relay.errors import InvalidRequest
from relay.formats.sse import write_event

JsonObject = dict[str, object]

JSON_TYPE = "application/json"

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request body, and what its answer is stamped with."""

    body: JsonObject
    model: str
    """Whatever name the client asked for; the answer echoes it."""
    created_at: int
    """Unix seconds: the one thing in an answer that does not follow from the body."""
    seed: str
    """A digest of the body, from which every id is derived."""

    def make_id(self, prefix: str, index: int = 0) -> str:
        """An id that is the same for the same request; `index` tells those of one kind apart."""
        return prefix + hashlib.sha256(f"{self.seed}/{prefix}/{index}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, as the pieces it is handed over in: one for JSON, one an event for a stream."""

    status: int
    content_type: str
    pieces: tuple[bytes, ...]


def json_answer(value: object) -> Answer:
    return Answer(200, JSON_TYPE, (to_json(value),))


def stream_answer(events: Iterable[bytes]) -> Answer:
    return Answer(200, "text/event-stream", tuple(events))


def data_event(value: object) -> bytes:
    """An event as Chat Completions sends it: data only."""
    return write_event(to_json(value))


def named_event(value: JsonObject) -> bytes:
    """An event as Messages and Responses send it: the `type` once more, as the event's name."""
    return write_event(to_json(value), str(value["type"]))


def to_json(value: object) -> bytes:
    """Encode. The client's own values may be echoed, and orjson reads deeper nesting (1024) than it writes (254)."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise InvalidRequest("The request is nested too deeply for the demo model.") from error
