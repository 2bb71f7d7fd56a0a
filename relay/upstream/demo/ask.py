"""What a client asks, in no dialect: the turns of a conversation, the tool to call, the shape and limits of the reply.

Pure. The three dialects agree on more than they differ in, so the readers of what they share (content, tool choice,
output format) stand here once and take every spelling.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from relay.errors import InvalidRequest
from relay.upstream.demo import fields
from relay.upstream.demo.wire import JsonObject

TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
IMAGE_PARTS = frozenset({"image_url", "input_image", "image"})

MAX_STOPS = 64
"""Far more than OpenAI takes (4); each is looked for in the whole reply."""

ANY_OBJECT: JsonObject = {"type": "object", "properties": {"reply": {"type": "string"}}}
"""What is said where JSON is asked for and no schema is given."""


class Speaker(enum.Enum):
    """Whose turn it is."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was said, before the reply."""

    speaker: Speaker
    text: str
    images: int = 0


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the client offers."""

    name: str
    schema: JsonObject
    """JSON schema of its arguments; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole request."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    """All that are offered: they count as input."""
    wanted: Tool | None = None
    """The one to call, unless a tool has just answered; None where none is offered or allowed."""
    schema: JsonObject | None = None
    """What the reply must look like; None where prose will do."""
    limit: int | None = None
    """The most tokens that the reply may have; None when unbounded."""
    stops: tuple[str, ...] = ()


def read_turn(speaker: Speaker, content: object, param: str) -> Turn:
    """A turn from its content: a string, a list of typed parts, or null. Parts of other kinds say nothing here."""
    if content is None or isinstance(content, str):
        return Turn(speaker, content or "")
    parts = fields.objects(content, param)
    said = [part["text"] for part in parts if part.get("type") in TEXT_PARTS and isinstance(part.get("text"), str)]
    images = sum(part.get("type") in IMAGE_PARTS for part in parts)
    return Turn(speaker, "\n".join(map(str, said)), images)


def read_tool(spec: JsonObject, schema: object, param: str) -> Tool:
    return Tool(fields.text(spec.get("name"), f"{param}.name"), fields.inner(schema))


def choose_tool(tools: Sequence[Tool], choice: object) -> Tool | None:
    """The tool that `tool_choice` names, else the first. None when there is none, or the choice is to call none."""
    mode = choice.get("type") if isinstance(choice, dict) else choice
    if not tools or mode == "none":
        return None
    name = _named_choice(fields.inner(choice))
    if name is None:
        return tools[0]
    for tool in tools:
        if tool.name == name:
            return tool
    raise InvalidRequest("'tool_choice' names a tool that is not among 'tools'.", param="tool_choice")


def _named_choice(choice: JsonObject) -> str | None:
    """The name in {name} (Messages, Responses), {function: {name}} (chat), or first in a list of allowed tools."""
    if choice.get("type") == "allowed_tools":
        # Chat wraps the list once more: {type: allowed_tools, allowed_tools: {mode, tools}}.
        allowed = fields.objects(fields.inner(choice.get("allowed_tools", choice)).get("tools"), "tool_choice.tools")
        choice = allowed[0] if allowed else {}
    name = fields.inner(choice.get("function", choice)).get("name")
    return name if isinstance(name, str) else None


def read_schema(output_format: object) -> JsonObject | None:
    """The schema in `response_format` (chat), `text.format` (Responses) or `output_config.format` (Messages)."""
    chosen = fields.inner(output_format)
    if chosen.get("type") == "json_object":
        return ANY_OBJECT
    if chosen.get("type") != "json_schema":
        return None
    holder = fields.inner(chosen.get("json_schema", chosen))
    return fields.inner(holder.get("schema")) or ANY_OBJECT
