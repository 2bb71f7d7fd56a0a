"""What a provider told of the tokens of one call, in a plain answer or somewhere in its event stream.

Of a number that was told several times the last one counts: where numbers come more than once they are cumulative.
What is no count (null, negative, a fraction, absurdly large) was not told. Nothing here raises, whatever a provider
writes, and nothing is estimated. A stream is only looked at while it passes: its JSON is read at the end.

Sources: OpenAI API reference, "The chat completion object" and "The response object"; Anthropic API reference,
"Streaming messages" and "Prompt caching"; recorded answers of the providers named below (2026-11-24).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from relay.formats.event_data import read_data
from relay.formats.sse import find_events, read_event
from relay.model import Dialect, Usage

_KEY = b'"usage"'
_USAGE_OBJECT = re.compile(rb'"usage"\s*:\s*\{')
"""Inside a string the quotes would have backslashes before them: `\\"usage\\": {` is content and no match."""
_MAX_COUNT = 2**53
"""Up to here every JSON reader counts exactly; a larger one is no number of tokens."""

_HOLDERS: dict[Dialect, tuple[tuple[str, ...], ...]] = {
    Dialect.CHAT: (("x_groq", "usage"), ("usage",)),  # Groq's streams tell it under their own name, asked for or not.
    Dialect.RESPONSES: (("usage",), ("response", "usage")),
    Dialect.MESSAGES: (("message", "usage"), ("usage",)),
}
"""Where an answer or an event keeps its usage object; a later one wins."""

_NUMBERS: dict[Dialect, tuple[tuple[str, str], ...]] = {
    Dialect.CHAT: (
        ("prompt_tokens", "input"),
        ("cached_tokens", "cache_read"),  # Moonshot
        ("num_cached_tokens", "cache_read"),  # Mistral
        ("prompt_cache_hit_tokens", "cache_read"),  # DeepSeek
        ("prompt_tokens_details.cached_tokens", "cache_read"),
        ("cache_creation_input_tokens", "cache_write"),  # LiteLLM
        ("prompt_tokens_details.cache_write_tokens", "cache_write"),  # OpenAI, OpenRouter
        ("completion_tokens", "output"),
        ("reasoning_tokens", "reasoning"),  # some Azure deployments
        ("completion_tokens_details.reasoning_tokens", "reasoning"),
        ("total_tokens", "total"),
    ),
    Dialect.RESPONSES: (
        ("input_tokens", "input"),
        ("input_tokens_details.cached_tokens", "cache_read"),
        ("input_tokens_details.cache_write_tokens", "cache_write"),
        ("output_tokens", "output"),
        ("output_tokens_details.reasoning_tokens", "reasoning"),
    ),
    Dialect.MESSAGES: (
        ("input_tokens", "uncached_input"),
        ("cache_read_input_tokens", "cache_read"),
        ("cache_creation_input_tokens", "cache_write"),
        ("cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"),
        ("cache_creation.ephemeral_1h_input_tokens", "cache_write_1h"),
        ("output_tokens", "output"),
        ("output_tokens_details.thinking_tokens", "reasoning"),
    ),
}
"""(path in the usage object, the number it is); of two paths to one number the later wins; inner objects win."""


def _by_holder(numbers: Iterable[tuple[str, str]]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    holders: dict[str, list[tuple[str, str]]] = {"": []}
    for path, name in numbers:
        holder, _, key = path.rpartition(".")
        holders.setdefault(holder, []).append((key, name))
    return tuple((holder, tuple(keys)) for holder, keys in holders.items())


_PLACES = {dialect: _by_holder(numbers) for dialect, numbers in _NUMBERS.items()}
"""The same, gathered: (key of the inner object, "" for the usage object itself, ((key, the number it is), ...))."""
_NOTHING_TOLD = Usage()


def read_usage(dialect: Dialect, document: Mapping[str, Any]) -> Usage | None:
    """The usage in one plain answer; None where it told nothing, as moderations and Anthropic's count_tokens."""
    return _usage(_told(dialect, document))


class UsageTap:
    """Remembers where the events of one stream told their usage.

    It holds at most two blocks, the first and the last that have a usage object. These tell all: Anthropic tells the
    input at the start and the rest at the end; all others tell everything at the end, or everything each time.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._first = b""
        self._last = b""

    def look(self, block: bytes) -> bool:
        """Look at complete events on their way: a search that costs next to nothing, no copy, no JSON. Whether there
        is a usage object in them."""
        start = block.find(_KEY)
        if start < 0 or not _USAGE_OBJECT.search(block, start):
            return False
        if self._first:
            self._last = block
        else:
            self._first = block
        return True

    def usage(self) -> Usage | None:
        """What was told by now; None where nothing was. Reads the JSON of the few events that may tell something."""
        told: dict[str, int] = {}
        for block in (self._first, self._last):
            for start, end in find_events(block, _USAGE_OBJECT):
                told |= _told(self._dialect, read_data(read_event(block[start:end])) or {})
        return _usage(told)


def _told(dialect: Dialect, document: Mapping[str, Any]) -> dict[str, int]:
    """The numbers in one document, by the names of the table above."""
    told: dict[str, int] = {}
    for holder in _HOLDERS[dialect]:
        usage = _inner(document, holder)
        if usage is not None:
            _add(told, usage, dialect)
    return told


def _add(told: dict[str, int], usage: Mapping[str, Any], dialect: Dialect) -> None:
    for parent, places in _PLACES[dialect]:
        holder = usage.get(parent) if parent else usage
        if isinstance(holder, dict):
            for key, name in places:
                if key in holder and _is_count(holder[key]):
                    told[name] = holder[key]


def _inner(document: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    value: Any = document
    for key in path:
        value = value.get(key)
        if not isinstance(value, dict):
            return None
    holder: Mapping[str, Any] = value
    return holder


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_COUNT  # Not a bool, which is an int to isinstance.


def _usage(told: Mapping[str, int]) -> Usage | None:
    if not told:
        return None
    written_5m, written_1h = _cache_writes(told)
    usage = Usage(
        input_tokens=_input(told, (written_5m or 0) + (written_1h or 0)),
        cache_read_tokens=told.get("cache_read"),
        cache_write_5m_tokens=written_5m,
        cache_write_1h_tokens=written_1h,
        output_tokens=_output(told),
        reasoning_tokens=told.get("reasoning"),
    )
    return None if usage == _NOTHING_TOLD else usage


def _cache_writes(told: Mapping[str, int]) -> tuple[int | None, int | None]:
    """Tokens written for 5 minutes and for an hour.

    Anthropic's `message_delta` tells a new sum without its parts, and older answers have no parts at all: what was
    not told to be for an hour is for five minutes.
    """
    written, written_1h = told.get("cache_write"), told.get("cache_write_1h")
    if written is None:
        return told.get("cache_write_5m"), written_1h
    if written_1h is None:
        return written, None
    written_1h = min(written, written_1h)
    return written - written_1h, written_1h


def _input(told: Mapping[str, int], written: int) -> int | None:
    """Anthropic's `input_tokens` are only those that no cache had to do with; OpenAI's are all."""
    if "uncached_input" not in told:
        return told.get("input")
    return told["uncached_input"] + told.get("cache_read", 0) + written


def _output(told: Mapping[str, int]) -> int | None:
    """xAI counts reasoning beside `completion_tokens`, OpenAI within them: the total shows which.

    xAI, "Consumption and Rate Limits", quoted with real numbers in https://github.com/vercel/ai/pull/12425.
    """
    output, reasoning = told.get("output"), told.get("reasoning", 0)
    if output is not None and told.get("total") == told.get("input", 0) + output + reasoning:
        return output + reasoning
    return output
