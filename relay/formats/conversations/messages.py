"""The conversation of Anthropic Messages: `system`, a text or blocks, and `messages` of blocks.

Sources: Anthropic API reference, "Messages", and the block types of anthropic-sdk-python 2.13 (read 2026-11-24). Text
blocks must not be blank; a message may also have the role `system`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.formats.conversations.parts import Body, ConversationParts, Placement
from relay.formats.conversations.words import (
    call_text,
    failure_heading,
    is_of,
    joined,
    messages_of,
    result_heading,
    text_of,
    under,
    without,
)

_OFFERS = frozenset({"tools", "mcp_servers"})
_OPTIONS = _OFFERS | {"tool_choice"}
_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_RESULT = "tool_result"
"""What the type of every result ends with: `web_search_tool_result`, `mcp_tool_result`."""
_LISTINGS = frozenset({"mcp_tool_listing", "tool_addition", "tool_removal"})
"""Types of blocks that offer tools and say nothing."""
_USERS = frozenset({"text", "image", "document", "search_result"})
"""Types of blocks in a result that may also stand beside it, where the user speaks."""


def prompt_in_front(body: Body, prompt: str) -> Body:
    """Before the client's own; blocks, and what they say of caching, stay as they are."""
    given = body.get("system")
    if isinstance(given, list):
        return {**body, "system": [_text(prompt), *given]}
    if given is not None and not isinstance(given, str):
        return body
    return {**body, "system": joined(prompt, given or "")}


def prompt_instead(body: Body, prompt: str) -> Body:
    """In place of the client's own, and of its messages with that role."""
    messages = messages_of(body)
    kept = [one for one in messages if not is_of(one, ("system",), "role")]
    changed = {**body, "system": prompt}
    return {**changed, "messages": kept} if len(kept) < len(messages) else changed


def uses_tools(body: Body) -> bool:
    """See ConversationParts."""
    return any(body.get(name) for name in _OFFERS) or any(map(_is_about_tools, messages_of(body)))


def without_tools(body: Body) -> Body:
    """Each block becomes text in its place; a message that only offered tools goes."""
    messages = messages_of(body)
    is_told = any(map(_is_about_tools, messages))
    if not is_told and not _OPTIONS & body.keys():
        return body
    kept = without(body, _OPTIONS)
    return {**kept, "messages": list(_turns(messages))} if is_told else kept


def _is_result(block: object) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    return isinstance(kind, str) and kind.endswith(_RESULT)


def _is_about(block: object) -> bool:
    return _is_result(block) or is_of(block, _CALLS | _LISTINGS)


def _is_about_tools(message: object) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(map(_is_about, content))


def _turns(messages: list[Any]) -> Iterator[Any]:
    for message in messages:
        if not _is_about_tools(message):
            yield message
            continue
        speaks = _USERS if message.get("role") == "user" else frozenset({"text"})
        blocks = [told for block in message["content"] for told in _told(block, speaks)]
        if blocks:
            yield {**message, "content": blocks}


def _told(block: Any, speaks: frozenset[str]) -> list[Any]:
    """What a block becomes: none, itself, or others, of which the last marks the cache where the block did."""
    if not _is_about(block):
        return [block]
    if block["type"] in _LISTINGS:
        return []
    told = _result(block, speaks) if _is_result(block) else [_call(block)]
    cache = block.get("cache_control")
    return told if cache is None else [*told[:-1], {**told[-1], "cache_control": cache}]


def _call(block: dict[str, Any]) -> dict[str, Any]:
    return _text(call_text(block.get("name"), block.get("id"), block.get("input")))


def _result(block: dict[str, Any], speaks: frozenset[str]) -> list[Any]:
    heading = (failure_heading if block.get("is_error") is True else result_heading)(block.get("tool_use_id"))
    content = block.get("content")
    if isinstance(content, list):
        return [_text(heading), *(piece for part in content for piece in _piece(part, speaks))]
    return [_text(under(heading, text_of(content)))]


def _piece(part: Any, speaks: frozenset[str]) -> list[Any]:
    """One part of a result as a block; a blank text is none, and what no other model can read is left out."""
    if is_of(part, speaks):
        return [] if part["type"] == "text" and not text_of(part.get("text")).strip() else [part]
    if isinstance(part, dict):
        part = {name: value for name, value in part.items() if not name.startswith("encrypted_")}
    text = text_of(part)
    return [_text(text)] if text.strip() else []


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


PARTS = ConversationParts(
    {Placement.FRONT: prompt_in_front, Placement.INSTEAD: prompt_instead}, uses_tools, without_tools
)
