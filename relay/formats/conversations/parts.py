"""The parts that change a dialect's conversation, as one value."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]
"""A request's JSON object."""


class Placement(enum.StrEnum):
    """Where a system prompt goes."""

    FRONT = "front"
    """Before what the client says."""
    INSTEAD = "instead"
    """In place of all system prompts of the client."""


@dataclass(frozen=True, slots=True)
class ConversationParts:
    """Functions from a body to another one; where there is nothing to change they give the same object."""

    with_prompt: Mapping[Placement, Callable[[Body, str], Body]]
    """(body, a text that is not empty) -> the body with this system prompt."""
    uses_tools: Callable[[Body], bool]
    """Whether a request offers tools, or has calls or results of tools in its conversation."""
    without_tools: Callable[[Body], Body]
    """Without every option about tools, and with their calls and results as text."""
