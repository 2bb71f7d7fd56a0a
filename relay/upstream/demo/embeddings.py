"""OpenAI Embeddings: unit vectors that depend on the input alone. They mean nothing: near texts are not near."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Callable

from relay.errors import InvalidRequest
from relay.upstream.demo import fields
from relay.upstream.demo.reply import estimate_tokens
from relay.upstream.demo.wire import Answer, Incoming, json_answer, to_json

DEFAULT_DIMENSIONS = 8
MAX_DIMENSIONS = 3072
MAX_INPUTS = 2048
"""OpenAI's own bound ("Create embeddings", read 2026-11-24)."""
MAX_NUMBERS = 2**18
"""In all vectors together: about a tenth of a second of work, which nothing else on the loop should wait longer for."""

Input = str | list[int]
"""A text, or its tokens."""


def answer(incoming: Incoming) -> Answer:
    """Serves `/embeddings`."""
    body = incoming.body
    inputs = _read_inputs(body.get("input"))
    dimensions = fields.whole(body.get("dimensions"), "dimensions", high=MAX_DIMENSIONS) or DEFAULT_DIMENSIONS
    if len(inputs) * dimensions > MAX_NUMBERS:
        message = f"'dimensions' times the inputs must be at most {MAX_NUMBERS} for the demo model."
        raise InvalidRequest(message, param="dimensions")
    encode = _read_encoding(body.get("encoding_format") or "float")
    tokens = sum(map(_count, inputs))
    return json_answer(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": encode(_vector(entry, dimensions))}
                for index, entry in enumerate(inputs)
            ],
            "model": incoming.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _read_inputs(value: object) -> list[Input]:
    """One text, one list of tokens, or a list of either."""
    entries = [value] if isinstance(value, str) or _is_tokens(value) else value
    if isinstance(entries, list) and 1 <= len(entries) <= MAX_INPUTS:
        inputs = [entry for entry in entries if entry and (isinstance(entry, str) or _is_tokens(entry))]
        if len(inputs) == len(entries):
            return inputs
    message = f"'input' must be a text, a list of tokens, or a list of 1 to {MAX_INPUTS} of them, none of them empty."
    raise InvalidRequest(message, param="input")


def _is_tokens(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)


def _count(entry: Input) -> int:
    return estimate_tokens(len(entry)) if isinstance(entry, str) else len(entry)


def _vector(entry: Input, dimensions: int) -> bytes:
    """A vector of length one, as little-endian 32-bit floats: both encodings give these very numbers."""
    # An extendable digest gives a vector of any size in one call.
    digest = hashlib.shake_256(to_json(entry)).digest(4 * dimensions)
    numbers = struct.unpack(f"<{dimensions}i", digest)
    norm = math.hypot(*numbers)
    return struct.pack(f"<{dimensions}f", *(number / norm for number in numbers))


def _as_floats(vector: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


def _as_base64(vector: bytes) -> str:
    return base64.b64encode(vector).decode()


ENCODINGS: dict[str, Callable[[bytes], object]] = {"float": _as_floats, "base64": _as_base64}


def _read_encoding(value: object) -> Callable[[bytes], object]:
    encode = ENCODINGS.get(value) if isinstance(value, str) else None
    if encode is None:
        raise InvalidRequest(f"'encoding_format' is none of: {', '.join(ENCODINGS)}.", param="encoding_format")
    return encode
