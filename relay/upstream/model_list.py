"""A provider's answer to `GET /models`, read: generous with what it holds, strict with what it is. Pure.

    {"object": "list", "data": [...]}                      OpenAI, and nearly everybody; Ollama without a model: null
    {"data": [...], "has_more", "first_id", "last_id"}     Anthropic; the next page is asked for with `after_id`
    [...]                                                  Together
    {"models": [...]}                                      LM Studio's and Ollama's own

What the entries tell, and the sources: `listed_model`. OpenRouter has pages as well, but gives all where none is asked
for (its "List models", read 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from relay.formats.upstream_json import NotJson, read_json
from relay.upstream.listed_model import ListedModel, read_model, write_model

MAX_MODELS = 5_000
"""Of one provider. The largest list is a tenth of that."""
MAX_ENTRIES = 20_000
"""As many of one answer are looked at."""
_LISTS = ("data", "models")
_MAX_ID_CHARACTERS = 512


class NotAList(Exception):
    """An answer that is no list of models."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    models: tuple[ListedModel, ...]
    after: str = ""
    """What the next page is asked for with, as a part of a query; empty: there is none."""


def read_page(body: bytes, prefix: str = "") -> Page:
    """Read an answer; entries that are no models are left out, `prefix` is taken off names. Raises NotAList.

    A list of nothing but what can't be read is no list, an empty one is.
    """
    try:
        document = read_json(body)
    except NotJson as error:
        raise NotAList from error
    entries = _entries(document)[:MAX_ENTRIES]
    models = tuple(model for entry in entries if (model := read_model(entry, prefix)) is not None)
    if entries and not models:
        raise NotAList
    return Page(models, _after(document))


def first_of_each(models: Iterable[ListedModel]) -> tuple[ListedModel, ...]:
    """One of each name, whatever its case; as many as there may be."""
    names: dict[str, ListedModel] = {}
    for model in models:
        names.setdefault(model.name.casefold(), model)
    return tuple(names.values())[:MAX_MODELS]


def write_list(models: Iterable[ListedModel]) -> bytes:
    """As an answer that `read_page` reads."""
    return orjson.dumps({"object": "list", "data": [write_model(model) for model in models]})


def _entries(document: object) -> list[Any]:
    """Raises NotAList."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise NotAList
    found = next((document[key] for key in _LISTS if isinstance(document.get(key), list)), None)
    if found is not None:
        entries: list[Any] = found
        return entries
    if document.get("object") == "list" and document.get("data", 0) is None:
        return []
    raise NotAList


def _after(document: object) -> str:
    if not isinstance(document, dict) or document.get("has_more") is not True:
        return ""
    last = document.get("last_id")
    if not isinstance(last, str) or not 0 < len(last) <= _MAX_ID_CHARACTERS:
        return ""
    return f"after_id={quote(last, safe='', errors='replace')}"
