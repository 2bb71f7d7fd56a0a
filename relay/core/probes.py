"""The smallest calls that show what a provider can do, a row a dialect, and which model they name. Pure.

Sources: OpenAI API reference ("Create chat completion", "Create a model response"), Anthropic API reference ("Create a
Message"), all read 2026-11-24. `max_completion_tokens` stands for `max_tokens` where a reasoning model of OpenAI's
refuses the older one, which is all that others know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.core.globs import is_among
from relay.model import Dialect
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import Provider

MAX_TOKENS = 16
"""Of an answer: the least that OpenAI's Responses take."""
MAX_TOOL_TOKENS = 1024
"""Of an answer that calls a tool: models think before."""
_SAY = "Answer with the word hello."
_NOTE = "Call the tool `note` with the text hello."
_ABOUT = "Takes a note."
_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_NO_CHAT = (
    "audio", "babbage", "bge-", "computer-use", "dall-e", "davinci", "embed", "guard", "image", "moderation", "ocr",
    "realtime", "rerank", "sora", "speech", "transcribe", "tts", "whisper",
)  # fmt: skip
"""Parts of names of models that don't answer a chat."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How a dialect is tried."""

    path: str
    """Behind a provider's root."""
    asking: Callable[[str], dict[str, Any]]
    """The part of a body that holds what is said."""
    limit_keys: tuple[str, ...]
    """What bounds the answer's tokens; each further one is for those who refuse the one before by its name."""
    tool: Mapping[str, Any]
    tool_calls: Callable[[Mapping[str, Any]], Iterator[object]]
    """The calls of tools in an answer."""

    def plain(self, model: str, limit_key: str) -> dict[str, Any]:
        """The body of a call that is answered in a word."""
        return {"model": model, **self.asking(_SAY), limit_key: MAX_TOKENS}

    def streamed(self, model: str, limit_key: str) -> dict[str, Any]:
        """The same, answered event by event."""
        return {**self.plain(model, limit_key), "stream": True}

    def tools(self, model: str, limit_key: str) -> dict[str, Any]:
        """The body of a call that is answered by calling a tool."""
        return {"model": model, **self.asking(_NOTE), limit_key: MAX_TOOL_TOKENS, "tools": [self.tool]}


def _messages(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _input(text: str) -> dict[str, Any]:
    return {"input": text, "store": False}


def _dicts(values: object) -> Iterator[Mapping[str, Any]]:
    return (value for value in (values if isinstance(values, list) else ()) if isinstance(value, dict))


def _chat_tool_calls(answer: Mapping[str, Any]) -> Iterator[object]:
    for choice in _dicts(answer.get("choices")):
        message = choice.get("message")
        if isinstance(message, dict):
            yield from _dicts(message.get("tool_calls"))


def _tool_calls_in(key: str, kind: str) -> Callable[[Mapping[str, Any]], Iterator[object]]:
    return lambda answer: (part for part in _dicts(answer.get(key)) if part.get("type") == kind)


_FUNCTION = {"name": "note", "description": _ABOUT, "parameters": _SCHEMA}
PROBES: Mapping[Dialect, Probe] = {
    Dialect.CHAT: Probe(
        "/chat/completions",
        _messages,
        ("max_tokens", "max_completion_tokens"),
        {"type": "function", "function": _FUNCTION},
        _chat_tool_calls,
    ),
    Dialect.RESPONSES: Probe(
        "/responses",
        _input,
        ("max_output_tokens",),
        {"type": "function", **_FUNCTION},
        _tool_calls_in("output", "function_call"),
    ),
    Dialect.MESSAGES: Probe(
        "/messages",
        _messages,
        ("max_tokens",),
        {"name": "note", "description": _ABOUT, "input_schema": _SCHEMA},
        _tool_calls_in("content", "tool_use"),
    ),
}


def choose_model(provider: Provider, listed: Iterable[ListedModel]) -> str | None:
    """`test_model`, else the first that is included by name, else the first of the list that seems fit; None: none."""
    if provider.test_model:
        return provider.test_model
    names = (*provider.models.names, *_fitting(provider.models.globs, listed))
    return next((name for name in names if not is_among(name, provider.models.exclude)), None)


def _fitting(globs: Sequence[str], listed: Iterable[ListedModel]) -> Iterator[str]:
    for model in listed:
        is_chat = not any(part in model.name.casefold() for part in _NO_CHAT)
        if is_chat and (not globs or is_among(model.name, globs)):
            yield model.name
