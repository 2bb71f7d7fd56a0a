"""One model as a provider's list tells it: its name, and what it takes where the list says so. Pure.

Every list has a name. What else it tells has a key of its own at each provider, and only what is told is believed:

    OpenAI        id, created, owned_by
    Anthropic     id, created_at, max_input_tokens, capabilities.image_input.supported, lifecycle
    OpenRouter    context_length, architecture.input_modalities, supported_parameters
    Mistral       max_context_length, capabilities.function_calling, capabilities.vision
    Together      created (0: unknown), organization, context_length
    Groq          context_window, active
    Gemini        ids that begin with `models/`, which its chat endpoint does without
    vLLM          max_model_len
    llama.cpp     meta.n_ctx_train
    Ollama        created is when the model was changed; owned_by is `library`
    LM Studio     key for id, max_context_length, capabilities.vision, capabilities.trained_for_tool_use; in its older
                  form type `vlm`, loaded_context_length, and capabilities as a list with `tool_use`

Sources: the SDKs openai and anthropic (types/model.py, types/model_info.py), together (types/models.py), mistralai
(docs/models/basemodelcard.md); OpenRouter "Models", Groq "Models", LM Studio "List Models" and "REST API v0"; the
servers' own code: vllm (ModelCard), ollama (openai/openai.go). All read 2026-11-24.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relay.model import MAX_MODEL_CHARACTERS

MAX_OWNER_CHARACTERS = 100
MAX_CONTEXT_TOKENS = 1_000_000_000
"""Far above any; what is larger is no number of tokens."""
_MAX_TIME_CHARACTERS = 40
_KNOWN_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier time stands for an unknown one: Anthropic's epoch, Together's 0."""
_LAST_S = 253_402_300_799
"""The end of the year 9999, which is the end of `datetime`."""

_NAMES = ("id", "key", "model", "name")
_TIMES = ("created", "created_at", "modified_at")
_OWNERS = ("owned_by", "organization", "publisher")
_CONTEXTS = (
    ("loaded_context_length",),
    ("max_model_len",),
    ("context_length",),
    ("context_window",),
    ("max_context_length",),
    ("max_input_tokens",),
    ("meta", "n_ctx_train"),
)
"""What is served now before what the model could be served with."""
_MODALITIES = (("architecture", "input_modalities"), ("input_modalities",))
_IMAGE_FLAGS = (("capabilities", "vision"), ("capabilities", "image_input", "supported"))
_TOOL_FLAGS = (("capabilities", "function_calling"),)
_TOOL_WORDS = frozenset({"tools", "tool_use"})
_GONE = (("active", False), ("lifecycle", "retired"))
"""What an entry says of a model that can't be called any more."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of a provider. None: the list does not say."""

    name: str
    """As the provider wants it to be called."""
    created_at: datetime | None = None
    """UTC, in whole seconds."""
    owned_by: str | None = None
    context_tokens: int | None = None
    """How much it can be asked at once, at most."""
    takes_images: bool | None = None
    takes_tools: bool | None = None


def read_model(entry: object, prefix: str = "") -> ListedModel | None:
    """One entry of a list; None for what is none, or can't be called. `prefix` is taken off its name."""
    if not isinstance(entry, dict) or any(entry.get(key) == word for key, word in _GONE):
        return None
    name = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), "").removeprefix(prefix)
    if not _is_line(name, MAX_MODEL_CHARACTERS):
        return None
    return ListedModel(
        name,
        _created_at(entry),
        next((entry[key] for key in _OWNERS if _is_line(entry.get(key), MAX_OWNER_CHARACTERS)), None),
        next((tokens for path in _CONTEXTS if (tokens := _tokens(_at(entry, path))) is not None), None),
        _takes_images(entry),
        _takes_tools(entry),
    )


def write_model(model: ListedModel) -> dict[str, Any]:
    """As an entry that `read_model` reads: OpenAI's keys, and OpenRouter's for the rest."""
    entry: dict[str, Any] = {"id": model.name}
    if model.created_at is not None:
        entry["created"] = int(model.created_at.timestamp())
    if model.owned_by is not None:
        entry["owned_by"] = model.owned_by
    if model.context_tokens is not None:
        entry["context_length"] = model.context_tokens
    if model.takes_images is not None:
        entry["input_modalities"] = ["text", "image"] if model.takes_images else ["text"]
    if model.takes_tools is not None:
        entry["supported_parameters"] = ["tools"] if model.takes_tools else []
    return entry


def _is_line(value: object, most_characters: int) -> bool:
    """Whether it can stand in a list, a log and a URL: no control sign, nothing invisible, no blank at either end."""
    return (
        isinstance(value, str) and 0 < len(value) <= most_characters and value.isprintable() and value == value.strip()
    )


def _at(entry: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """What stands at a path of keys; None where there is nothing."""
    found: object = entry
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _tokens(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= MAX_CONTEXT_TOKENS:
        return None
    return int(value)


def _created_at(entry: Mapping[str, Any]) -> datetime | None:
    for key in _TIMES:
        moment = _moment(entry.get(key))
        if moment is not None:
            return moment if moment >= _KNOWN_SINCE else None
    return None


def _moment(value: object) -> datetime | None:
    """Seconds since 1970, or ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(int(value), UTC) if 0 <= value <= _LAST_S else None
    if not isinstance(value, str) or len(value) > _MAX_TIME_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc.replace(microsecond=0)


def _takes_images(entry: Mapping[str, Any]) -> bool | None:
    for path in _MODALITIES:
        modalities = _at(entry, path)
        if isinstance(modalities, list):
            return "image" in modalities
    told = _flag(entry, _IMAGE_FLAGS)
    if told is None and (entry.get("type") == "vlm" or "vision" in _capability_words(entry)):
        return True
    return told


def _takes_tools(entry: Mapping[str, Any]) -> bool | None:
    parameters = entry.get("supported_parameters")
    if isinstance(parameters, list):
        return "tools" in parameters
    told = _flag(entry, _TOOL_FLAGS)
    # LM Studio lets every model have tools: a model that is trained for them takes them, of another nothing is known.
    is_trained = _at(entry, ("capabilities", "trained_for_tool_use")) is True
    if told is None and (is_trained or not _TOOL_WORDS.isdisjoint(_capability_words(entry))):
        return True
    return told


def _flag(entry: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> bool | None:
    return next((value for path in paths if isinstance(value := _at(entry, path), bool)), None)


def _capability_words(entry: Mapping[str, Any]) -> list[str]:
    """Where capabilities are a list of what there is; what it lacks is not told."""
    words = entry.get("capabilities")
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
