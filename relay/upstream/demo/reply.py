"""Decides what the demo model says: from an `Ask`, one `Reply` that each dialect renders in its own way.

Pure, and in no dialect. Token counts are estimates of about four characters a token, made from what was read, so that
plain and streamed answers of one request agree.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from relay.upstream.demo.ask import Ask, Speaker
from relay.upstream.demo.sample import sample
from relay.upstream.demo.wire import JsonObject, to_json

CHARACTERS_PER_TOKEN = 4
IMAGE_TOKENS = 85
"""What OpenAI counts for an image in low detail ("Images and vision", read 2026-11-24); any constant would do."""
QUOTED_CHARACTERS = 200
FRAGMENT_CHARACTERS = 8
"""Small enough that the arguments of nearly every tool arrive in several fragments, as they do from real models."""
MAX_PIECES = 256
"""Of one stream: a schema may dictate a reply as long as the request, and each piece costs an event."""


class Finish(enum.Enum):
    """Why a reply ends."""

    DONE = "done"
    TOOL = "tool"
    LIMIT = "limit"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the client's functions."""

    name: str
    input: JsonObject

    @property
    def arguments(self) -> str:
        return to_json(self.input).decode()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in, tokens out."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say: a text or a call, never both."""

    text: str
    finish: Finish
    usage: Usage
    call: ToolCall | None = None
    stop: str | None = None
    """The stop sequence that ended the text; None for every other end."""


def reply_to(ask: Ask) -> Reply:
    if ask.wanted is None or _after_tool(ask):
        return _say(ask, _text(ask))
    arguments = sample(ask.wanted.schema)
    return _call(ask, ToolCall(ask.wanted.name, arguments if isinstance(arguments, dict) else {}))


def count_tokens(ask: Ask) -> int:
    """The input's tokens, at least one."""
    characters = sum(len(turn.text) for turn in ask.turns)
    characters += sum(len(tool.name) + len(to_json(tool.schema)) for tool in ask.tools)
    return estimate_tokens(characters) + IMAGE_TOKENS * sum(turn.images for turn in ask.turns)


def estimate_tokens(characters: int) -> int:
    return max(1, -(-characters // CHARACTERS_PER_TOKEN))


def words(text: str) -> list[str]:
    """The text in the pieces it is streamed in; joined they are the text again."""
    # The bound of 16 makes several pieces of JSON, which has no spaces.
    found: list[str] = re.findall(r"\S{1,16}\s*|\s+", text)
    step = -(-len(found) // MAX_PIECES) or 1
    return ["".join(found[at : at + step]) for at in range(0, len(found), step)]


def fragments(arguments: str) -> list[str]:
    """The arguments of a call in the pieces they are streamed in."""
    step = max(FRAGMENT_CHARACTERS, -(-len(arguments) // MAX_PIECES))
    return [arguments[at : at + step] for at in range(0, len(arguments), step)]


def _after_tool(ask: Ask) -> bool:
    return bool(ask.turns) and ask.turns[-1].speaker is Speaker.TOOL


def _text(ask: Ask) -> str:
    if ask.schema is not None:
        return to_json(sample(ask.schema)).decode()
    if _after_tool(ask):
        return f'The tool said: "{_quote(ask.turns[-1].text)}".'
    said = next((turn.text for turn in reversed(ask.turns) if turn.speaker is Speaker.USER), "")
    images = sum(turn.images for turn in ask.turns)
    sentences = ["This is MonoRelay's demo model."]
    if said.strip():
        sentences.append(f'You said: "{_quote(said)}".')
    if images:
        sentences.append("I see 1 image." if images == 1 else f"I see {images} images.")
    return " ".join(sentences)


def _quote(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= QUOTED_CHARACTERS else folded[: QUOTED_CHARACTERS - 1] + "…"


def _call(ask: Ask, call: ToolCall) -> Reply:
    """The call whole; where the limit is shorter, nothing: half a call is of no use to a client either."""
    tokens = estimate_tokens(len(call.name) + len(call.arguments))
    if ask.limit is not None and tokens > ask.limit:
        return Reply("", Finish.LIMIT, Usage(count_tokens(ask), ask.limit))
    return Reply("", Finish.TOOL, Usage(count_tokens(ask), tokens), call)


def _say(ask: Ask, text: str) -> Reply:
    """The text, ended by the first stop sequence in it or by the limit, whichever comes earlier."""
    finish = Finish.DONE
    stop = min((stop for stop in ask.stops if stop and stop in text), key=text.find, default=None)
    if stop is not None:
        text, finish = text[: text.find(stop)], Finish.STOP
    if ask.limit is not None and estimate_tokens(len(text)) > ask.limit:
        text, finish, stop = _cut(text, ask.limit * CHARACTERS_PER_TOKEN), Finish.LIMIT, None
    return Reply(text, finish, Usage(count_tokens(ask), estimate_tokens(len(text))), stop=stop)


def _cut(text: str, characters: int) -> str:
    """The whole words that fit; a first word that doesn't is cut itself, so that something is said."""
    kept = text[:characters]
    if text[characters : characters + 1].isspace():
        return kept
    return kept.rpartition(" ")[0].rstrip() or kept
