"""What a request asks for, as far as the choice of a model is concerned: how much, with what, how hard. Pure.

One reader for all dialects: the fields that count have names of their own in each, and a body has those of one.
It looks at whatever a client sent, and complains of nothing: what is not what it should be counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TEXTS = ("messages", "input", "prompt", "system", "instructions")
"""Where a body has what the model reads."""
_DATA = frozenset({"data", "file_data", "image_url", "url", "file_id", "id", "type", "role", "encrypted_content",
                   "signature"})  # fmt: skip
"""Keys whose values are no text to read."""
_IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})
_HARD_EFFORTS = frozenset({"high", "xhigh", "max"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What was found in one body."""

    characters: int
    """Of text that the model has to read, definitions of tools included."""
    turns: int
    """Messages or items; 0 where the input is one text."""
    has_images: bool
    tools: int
    """How many may be called."""
    has_schema: bool
    """The answer has to fit a schema."""
    wants_reasoning: bool
    """Asked for by name: a high effort, or a budget for thinking."""

    @property
    def has_tools(self) -> bool:
        """Whether any may be called."""
        return self.tools > 0


def read_asked(body: Mapping[str, Any]) -> Asked:
    """Read a body of any dialect."""
    found = _Found()
    for name in TEXTS:
        found.look(body.get(name))
    tools = [*_listed(body.get("tools")), *_listed(body.get("functions"))]
    found.look(tools)
    return Asked(
        characters=found.characters,
        turns=max(len(_listed(body.get("messages"))), len(_listed(body.get("input")))),
        has_images=found.has_images,
        tools=len(tools),
        has_schema=_has_schema(body),
        wants_reasoning=_wants_reasoning(body),
    )


class _Found:
    """Adds up what a walk through nested JSON meets; bodies are nested no deeper than the parser allows (1,024)."""

    def __init__(self) -> None:
        self.characters = 0
        self.has_images = False

    def look(self, value: object) -> None:
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                self.characters += len(one)
            elif isinstance(one, list):
                waiting += one
            elif isinstance(one, dict):
                kind = one.get("type")
                self.has_images |= isinstance(kind, str) and kind in _IMAGE_TYPES
                waiting += _texts(one)


def _texts(mapping: dict[str, Any]) -> Iterator[object]:
    return (value for key, value in mapping.items() if key not in _DATA)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _has_schema(body: Mapping[str, Any]) -> bool:
    text = body.get("text")
    in_text = text.get("format") if isinstance(text, dict) else None
    forms = (body.get("response_format"), body.get("output_format"), in_text)
    return any(isinstance(form, dict) and form.get("type") == "json_schema" for form in forms)


def _wants_reasoning(body: Mapping[str, Any]) -> bool:
    reasoning, thinking = body.get("reasoning"), body.get("thinking")
    efforts = (body.get("reasoning_effort"), reasoning.get("effort") if isinstance(reasoning, dict) else None)
    if any(isinstance(effort, str) and effort in _HARD_EFFORTS for effort in efforts):
        return True
    return isinstance(thinking, dict) and thinking.get("type") == "enabled"
