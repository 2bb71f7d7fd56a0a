"""What a request asks for, as far as the choice of a model is concerned: how much, with what, how hard. Pure.

One reader for all dialects: the fields that count have names of their own in each, and a body has those of one.
It looks at whatever a client sent, and complains of nothing: what is not what it should be counts as absent. Each
answer is looked for when it is asked for: most calls need none of them, and a long conversation is long to read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeVar

from relay.formats.conversations import CONVERSATIONS
from relay.model import Dialect

TEXTS = ("messages", "input", "prompt", "system", "instructions")
"""Where a body has what the model reads."""
_DATA = frozenset({"data", "file_data", "image_url", "url", "file_id", "id", "type", "role", "encrypted_content",
                   "signature"})  # fmt: skip
"""Keys whose values are no text to read."""
_IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})
_HARD_EFFORTS = frozenset({"high", "xhigh", "max"})

T = TypeVar("T")


class Asked:
    """What one body asks for."""

    def __init__(self, body: dict[str, Any], dialect: Dialect = Dialect.CHAT, *, size_bytes: float = math.inf) -> None:
        """`size_bytes` is that of the body as it came; there is never more text in it than that."""
        self._body = body
        self._dialect = dialect
        self._size_bytes = size_bytes

    @cached_property
    def characters(self) -> int:
        """Of text that the model has to read, definitions of tools included."""
        return sum(len(text) for text in self._walked(str))

    def is_longer_than(self, characters: int) -> bool:
        """Whether it has more text than that; a short body need not be read for it."""
        return self._size_bytes > characters and self.characters > characters

    @cached_property
    def has_images(self) -> bool:
        """Whether there is one anywhere, be it in the result of a tool."""
        kinds = (one.get("type") for one in self._walked(dict))
        return any(isinstance(kind, str) and kind in _IMAGE_TYPES for kind in kinds)

    @property
    def turns(self) -> int:
        """Messages or items; 0 where the input is one text."""
        return max(len(_listed(self._body.get("messages"))), len(_listed(self._body.get("input"))))

    @property
    def tools(self) -> int:
        """How many may be called."""
        return len(self._tools())

    @property
    def uses_tools(self) -> bool:
        """Whether a model has to know of tools: they are offered, or the conversation has their calls or results."""
        return CONVERSATIONS[self._dialect].uses_tools(self._body)

    @property
    def has_schema(self) -> bool:
        """The answer has to fit a schema."""
        text = self._body.get("text")
        in_text = text.get("format") if isinstance(text, dict) else None
        forms = (self._body.get("response_format"), self._body.get("output_format"), in_text)
        return any(isinstance(form, dict) and form.get("type") == "json_schema" for form in forms)

    @property
    def wants_reasoning(self) -> bool:
        """Asked for by name: a high effort, or a budget for thinking."""
        reasoning, thinking = self._body.get("reasoning"), self._body.get("thinking")
        efforts = (self._body.get("reasoning_effort"), reasoning.get("effort") if isinstance(reasoning, dict) else None)
        if any(isinstance(effort, str) and effort in _HARD_EFFORTS for effort in efforts):
            return True
        return isinstance(thinking, dict) and thinking.get("type") == "enabled"

    def _tools(self) -> list[object]:
        return [*_listed(self._body.get("tools")), *_listed(self._body.get("functions"))]

    def _walked(self, kind: type[T]) -> Iterator[T]:
        """All of a kind that the model has to read, however deep: without recursion, since bodies may be nested."""
        waiting: list[object] = [*(self._body.get(name) for name in TEXTS), self._tools()]
        while waiting:
            one = waiting.pop()
            if isinstance(one, kind):
                yield one
            if isinstance(one, list):
                waiting += one
            elif isinstance(one, dict):
                waiting += _texts(one)


def _texts(mapping: dict[str, Any]) -> Iterator[object]:
    return (value for key, value in mapping.items() if key not in _DATA)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
