"""The conversation of a chat completion: `messages`, in which the system prompt is one of them.

Sources: OpenAI API reference, "Create chat completion" (read 2026-11-24): from o1 on `developer` replaces `system`.
Azure OpenAI, "Reasoning models" (read 2026-11-24): a request should not have messages of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from relay.formats.conversations.parts import Body, ConversationParts, Placement
from relay.formats.conversations.words import (
    Content,
    call_text,
    is_of,
    joined,
    messages_of,
    one_content,
    result_heading,
    text_of,
    under,
    without,
)

_INSTRUCTING = frozenset({"system", "developer"})
_RESULTS = frozenset({"tool", "function"})
_CALLS = frozenset({"tool_calls", "function_call"})
_OFFERS = frozenset({"tools", "functions"})
_OPTIONS = _OFFERS | {"tool_choice", "parallel_tool_calls", "function_call"}


def prompt_in_front(body: Body, prompt: str) -> Body:
    """As a message before all others, of the same role as the client's own system prompt."""
    return _begun(body, prompt, list(messages_of(body)))


def prompt_instead(body: Body, prompt: str) -> Body:
    """The same, without any message of the client that instructs."""
    return _begun(body, prompt, [one for one in messages_of(body) if not _instructs(one)])


def uses_tools(body: Body) -> bool:
    """See ConversationParts."""
    return any(body.get(name) for name in _OFFERS) or any(map(_is_about_tools, messages_of(body)))


def without_tools(body: Body) -> Body:
    """Results that follow one another become one message of the user: many models want roles in turn (vLLM 6862)."""
    messages = messages_of(body)
    is_told = any(map(_is_about_tools, messages))
    if not is_told and not _OPTIONS & body.keys():
        return body
    kept = without(body, _OPTIONS)
    return {**kept, "messages": list(_turns(messages))} if is_told else kept


def _begun(body: Body, prompt: str, messages: list[Any]) -> Body:
    """With the prompt as the first message; a body without messages stays as it is."""
    given = messages_of(body)
    if not given:
        return body
    role = given[0]["role"] if _instructs(given[0]) else "system"
    return {**body, "messages": [{"role": role, "content": prompt}, *messages]}


def _instructs(message: object) -> bool:
    return is_of(message, _INSTRUCTING, "role")


def _is_result(message: object) -> bool:
    return is_of(message, _RESULTS, "role")


def _is_about_tools(message: object) -> bool:
    return _is_result(message) or (isinstance(message, dict) and any(message.get(name) for name in _CALLS))


def _turns(messages: list[Any]) -> Iterator[Any]:
    for is_result, group in groupby(messages, _is_result):
        if is_result:
            yield {"role": "user", "content": one_content(map(_result, group), "text")}
        else:
            yield from map(_spoken, group)


def _result(message: dict[str, Any]) -> Content:
    heading = result_heading(message.get("tool_call_id") or message.get("name"))
    content = message.get("content")
    if isinstance(content, list):
        return [{"type": "text", "text": heading}, *content]
    return under(heading, text_of(content))


def _spoken(message: Any) -> Any:
    """A message in which nothing is called: calls stand in its text."""
    if not _is_about_tools(message):
        return message
    called = "\n".join(_calls(message))
    said = message.get("content")
    content = [*said, {"type": "text", "text": called}] if isinstance(said, list) else joined(text_of(said), called)
    return {**without(message, _CALLS), "content": content}


def _calls(message: dict[str, Any]) -> Iterator[str]:
    calls = message.get("tool_calls") or []
    for call in calls if isinstance(calls, list) else [calls]:
        yield _call(call)
    if message.get("function_call"):
        yield _call({"function": message["function_call"]})


def _call(call: object) -> str:
    """Of a function, or of a custom tool, whose arguments are called input; of anything else, what it is."""
    given = call if isinstance(call, dict) else {}
    called = given.get("function") or given.get("custom")
    if not isinstance(called, dict):
        return call_text("", None, call)
    return call_text(called.get("name"), given.get("id"), called.get("arguments", called.get("input")))


PARTS = ConversationParts(
    {Placement.FRONT: prompt_in_front, Placement.INSTEAD: prompt_instead}, uses_tools, without_tools
)
