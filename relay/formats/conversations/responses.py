"""The conversation of a response: `instructions`, and `input`, a text or a list of items.

Sources: OpenAI API reference, "Create a model response", and the item types of openai-python 3.57 (read 2026-11-24).
Reasoning must be followed by what it led to ("of type 'reasoning' was provided without its required following item",
openai-node issue 1567), so it goes where its call goes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from relay.formats.conversations.parts import Body, ConversationParts, Placement
from relay.formats.conversations.words import (
    Content,
    call_text,
    is_of,
    joined,
    one_content,
    result_heading,
    text_of,
    under,
    without,
)

_INSTRUCTING = frozenset({"system", "developer"})
_OPTIONS = frozenset({"tools", "tool_choice", "parallel_tool_calls", "max_tool_calls"})
_CALLS: Mapping[str, tuple[str, str]] = {
    "function_call": ("arguments", ""),
    "custom_tool_call": ("input", ""),
    "mcp_call": ("arguments", "output"),
    "mcp_approval_request": ("arguments", ""),
    "tool_search_call": ("arguments", ""),
    "computer_call": ("action", ""),
    "shell_call": ("action", ""),
    "local_shell_call": ("action", ""),
    "apply_patch_call": ("operation", ""),
    "web_search_call": ("action", ""),
    "file_search_call": ("queries", "results"),
    "code_interpreter_call": ("code", "outputs"),
    "image_generation_call": ("revised_prompt", ""),
    "program": ("code", ""),
}
"""Types of items by which the model calls a tool: where the arguments stand, and the result if the item has one."""
_RESULTS: Mapping[str, str] = {
    "function_call_output": "output",
    "custom_tool_call_output": "output",
    "computer_call_output": "output",
    "shell_call_output": "output",
    "local_shell_call_output": "output",
    "apply_patch_call_output": "output",
    "program_output": "result",
    "mcp_approval_response": "approve",
}
"""Types of items that answer a call, and where the answer stands."""
_LISTINGS = frozenset({"mcp_list_tools", "additional_tools", "tool_search_output"})
"""Types of items that offer tools and say nothing."""
_PASSING = frozenset({"input_text", "input_image", "input_file"})
"""Types of parts in a result that may also stand in a message of the user."""


class _Kind(enum.Enum):
    CALL = enum.auto()
    RESULT = enum.auto()
    LISTING = enum.auto()
    OTHER = enum.auto()


_KINDS = {
    **dict.fromkeys(_CALLS, _Kind.CALL),
    **dict.fromkeys(_RESULTS, _Kind.RESULT),
    **dict.fromkeys(_LISTINGS, _Kind.LISTING),
}


def prompt_in_front(body: Body, prompt: str) -> Body:
    """Before the client's instructions."""
    given = body.get("instructions")
    if given is not None and not isinstance(given, str):
        return body
    return {**body, "instructions": joined(prompt, given or "")}


def prompt_instead(body: Body, prompt: str) -> Body:
    """In place of the instructions and of all messages that instruct, unless nothing else was said."""
    kept = [item for item in _items(body) if not is_of(item, _INSTRUCTING, "role")]
    changed = {**body, "instructions": prompt}
    return {**changed, "input": kept} if kept else changed


def uses_tools(body: Body) -> bool:
    """See ConversationParts."""
    return bool(body.get("tools")) or any(_kind(item) is not _Kind.OTHER for item in _items(body))


def without_tools(body: Body) -> Body:
    """Calls that follow one another become one message of the assistant, and results one of the user."""
    items = _items(body)
    is_told = any(_kind(item) is not _Kind.OTHER for item in items)
    if not is_told and not _OPTIONS & body.keys():
        return body
    kept = without(body, _OPTIONS)
    told = [item for item in items if _kind(item) is not _Kind.LISTING]
    return {**kept, "input": list(_turns(told))} if is_told else kept


def _items(body: Body) -> list[Any]:
    items = body.get("input")
    return items if isinstance(items, list) else []


def _type(item: object) -> str:
    found = item.get("type") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def _kind(item: object) -> _Kind:
    return _KINDS.get(_type(item), _Kind.OTHER)


def _turns(items: list[Any]) -> Iterator[Any]:
    """`items` without listings."""
    pairs = list(zip(_kinds_in_reverse(items), reversed(items), strict=True))
    for kind, group in groupby(reversed(pairs), lambda pair: pair[0]):
        grouped = [item for _, item in group]
        if kind is _Kind.OTHER:
            yield from grouped
        elif kind is _Kind.CALL:
            yield {"role": "assistant", "content": "\n".join(_call(one) for one in grouped if _type(one) in _CALLS)}
        else:
            yield {"role": "user", "content": one_content(map(_result, grouped), "input_text")}


def _kinds_in_reverse(items: list[Any]) -> Iterator[_Kind]:
    """From the last item to the first, since reasoning goes with the call that follows it."""
    following = _Kind.OTHER
    for item in reversed(items):
        if _type(item) != "reasoning" or following is not _Kind.CALL:
            following = _kind(item)
        yield following


def _call(item: dict[str, Any]) -> str:
    arguments, result = _CALLS[_type(item)]
    call_id = item.get("call_id") or item.get("id")
    called = call_text(item.get("name") or _type(item), call_id, item.get(arguments))
    given = item.get(result)
    return called if given is None else f"{called}\n{under(result_heading(call_id), text_of(given))}"


def _result(item: dict[str, Any]) -> Content:
    heading = result_heading(item.get("call_id") or item.get("approval_request_id"))
    given = item.get(_RESULTS[_type(item)])
    if isinstance(given, list) and all(is_of(part, _PASSING) for part in given):
        return [{"type": "input_text", "text": heading}, *given]
    return under(heading, text_of(given))


PARTS = ConversationParts(
    {Placement.FRONT: prompt_in_front, Placement.INSTEAD: prompt_instead}, uses_tools, without_tools
)
