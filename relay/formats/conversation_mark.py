"""Which conversation a request belongs to, as far as it shows: by a name that the client gives it, or by how it begins.

One reader for all dialects: the fields that count have names of their own in each, and a body has those of one.

    prompt_cache_key    OpenAI chat and responses; "cache responses for similar requests" (API reference, 2026-11-24)
    session_id          OpenRouter; session-id, x-session-id as a header: Codex and others
    metadata.user_id    Anthropic: "an external identifier for the user"; Claude Code puts its session there as well
    user                OpenAI

The last two name a person, who may have several conversations: they count with the beginning, unless a session is in
them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from relay.per_call import record

MAX_COMPARED_CHARACTERS = 2048
"""Of each text; its length counts as well."""
_SESSION = "session"
"""Claude Code 2: `user_..._account_..._session_...`, or an object with a `session_id`, as text."""
_HEADERS = ("session-id", "session_id", "x-session-id")


@record(frozen=True, slots=True)
class Conversation:
    """One that can be found again."""

    mark: Hashable
    """Equal for equal conversations; holds text of the client's, and so belongs into no log."""
    is_continued: bool
    """The provider has seen its beginning, or the client says that it belongs together."""


def read_conversation(body: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Conversation | None:
    """None: there is nothing by which it could be found again."""
    name = _given_name(body, headers)
    if name is not None:
        return Conversation(name, is_continued=True)
    items = body.get("messages") if "messages" in body else body.get("input")
    if not isinstance(items, list) or not items:
        return None
    beginning = (*_beginning(items), _shortened(body.get("system")), _shortened(body.get("instructions")))
    user = _text(body.get("user")) or _anthropic_user(body)
    return Conversation((beginning, user), is_continued=any(map(_is_of_the_model, items)))


def _given_name(body: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Hashable | None:
    user = _anthropic_user(body)
    in_body = (
        body.get("prompt_cache_key"),
        body.get("session_id"),
        user if _SESSION in user else None,
        *(value for name, value in headers if name.lower() in _HEADERS),
    )
    return next((("named", name) for name in map(_text, in_body) if name), None)


def _anthropic_user(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    return _text(metadata.get("user_id")) if isinstance(metadata, dict) else ""


def _beginning(items: list[Any]) -> Iterator[Hashable]:
    """All up to the first message of the user's, which is in it."""
    for item in items:
        role = item.get("role") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(role, str):
            return
        yield role, _shortened(item.get("content"))
        if role == "user":
            return


def _is_of_the_model(item: object) -> bool:
    """An answer, or what only comes behind one: calls of tools, and their results."""
    if not isinstance(item, dict):
        return False
    return item.get("role") in ("assistant", "tool") or item.get("type") in ("function_call", "function_call_output")


def _shortened(content: object) -> Hashable:
    """A text, or the texts of a list of parts; what is neither does not count, and what is deeper is not followed."""
    if isinstance(content, list):
        return tuple(_shortened_text(part.get("text")) for part in content if isinstance(part, dict))
    return _shortened_text(content)


def _shortened_text(text: object) -> Hashable:
    return (text[:MAX_COMPARED_CHARACTERS], len(text)) if isinstance(text, str) else None


def _text(value: object) -> str:
    return value[:MAX_COMPARED_CHARACTERS] if isinstance(value, str) else ""
