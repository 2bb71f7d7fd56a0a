"""How calls and results of tools read as text, for models that know no tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from relay.formats.body import write_value

Content: TypeAlias = str | list[Any]
"""What was said: a text, or a list of parts."""


def messages_of(body: Mapping[str, Any]) -> list[Any]:
    """Those of a body; what is no list holds none."""
    messages = body.get("messages")
    return messages if isinstance(messages, list) else []


def call_text(name: object, call_id: object, arguments: object) -> str:
    """`[Tool call call_1: weather({"city": "Bern"})]`. Raises InvalidRequest: arguments that are nested too deeply."""
    return f"[Tool call{_labelled(call_id)}: {text_of(name)}({text_of(arguments)})]"


def result_heading(call_id: object) -> str:
    """`[Tool result call_1]`, above what the tool gave."""
    return f"[Tool result{_labelled(call_id)}]"


def failure_heading(call_id: object) -> str:
    """The same where the tool failed."""
    return f"[Tool result{_labelled(call_id)}, failed]"


def under(heading: str, text: str) -> str:
    """A heading and its text, which may be empty."""
    return f"{heading}\n{text}" if text else heading


def text_of(value: object) -> str:
    """A text as it is, nothing as the empty text, all else as JSON. Raises InvalidRequest: nested too deeply."""
    if isinstance(value, str):
        return value
    return "" if value is None else write_value(value).decode()


def one_content(contents: Iterable[Content], text_type: str) -> Content:
    """Several as one: a text where all of them are; else a list, in which texts are parts of the given type."""
    given = list(contents)
    texts = [content for content in given if isinstance(content, str)]
    if len(texts) == len(given):
        return "\n\n".join(texts)
    return [part for content in given for part in _parts(content, text_type)]


def joined(first: str, second: str) -> str:
    """Two texts with an empty line between; one of them may be empty."""
    return f"{first}\n\n{second}" if first and second else first or second


def is_of(value: object, types: Iterable[str], key: str = "type") -> bool:
    """Whether this is an object whose `key` is one of these."""
    return isinstance(value, dict) and isinstance(value.get(key), str) and value[key] in types


def without(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The object without these names."""
    return {name: value for name, value in document.items() if name not in names}


def _parts(content: Content, text_type: str) -> list[Any]:
    return [{"type": text_type, "text": content}] if isinstance(content, str) else content


def _labelled(call_id: object) -> str:
    return f" {call_id}" if isinstance(call_id, str) and call_id else ""
