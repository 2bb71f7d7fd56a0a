"""The types of providers: what each speaks, where it lives and how it wants its key. A new one is a row.

Base URLs are from the providers' own documentation (read 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from relay.model import Dialect

_CHAT = (Dialect.CHAT,)
_OPENAI = (Dialect.CHAT, Dialect.RESPONSES)
_ALL = (Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES)


def _bearer(secret: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {secret}"


def _x_api_key(secret: str) -> tuple[str, str]:
    return "x-api-key", secret


def _api_key(secret: str) -> tuple[str, str]:
    return "api-key", secret


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of provider."""

    dialects: tuple[Dialect, ...]
    base_url: str = ""
    """What is used where the configuration gives none; empty: it must give one."""
    path_prefix: str = ""
    """Put between the base URL and a path: Anthropic's base URL comes without `/v1`, all others with theirs."""
    authorize: Callable[[str], tuple[str, str]] = _bearer
    """Key -> the header that carries it."""
    needs_key: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent where the client sent no header of that name."""
    has_list: bool = True
    """Whether its `/models` names what calls may name."""
    list_query: str = ""
    """What its list is asked for with."""
    list_prefix: str = ""
    """What names in its list begin with, and calls do without."""


KINDS: Mapping[str, Kind] = {
    "openai": Kind(_OPENAI, needs_key=False),
    "anthropic": Kind(
        (Dialect.MESSAGES,),
        path_prefix="/v1",
        authorize=_x_api_key,
        headers={"anthropic-version": "2023-06-01"},
        list_query="limit=1000",  # The most that it gives at once; else 20 ("List Models").
    ),
    # Its list names the models that could be deployed, while calls name deployments (its "Models - List").
    "azure": Kind(_OPENAI, authorize=_api_key, has_list=False),
    "demo": Kind(_ALL, "http://demo.invalid/v1", needs_key=False, has_list=False),
    "openrouter": Kind(_ALL, "https://openrouter.ai/api/v1"),
    "nvidia": Kind(_CHAT, "https://integrate.api.nvidia.com/v1"),
    "deepseek": Kind(_CHAT, "https://api.deepseek.com/v1"),
    "groq": Kind(_OPENAI, "https://api.groq.com/openai/v1"),
    "mistral": Kind(_CHAT, "https://api.mistral.ai/v1"),
    "together": Kind(_CHAT, "https://api.together.xyz/v1"),
    "xai": Kind(_OPENAI, "https://api.x.ai/v1"),
    "gemini": Kind(_CHAT, "https://generativelanguage.googleapis.com/v1beta/openai", list_prefix="models/"),
    "ollama": Kind(_CHAT, "http://127.0.0.1:11434/v1", needs_key=False),
    "vllm": Kind(_OPENAI, "http://127.0.0.1:8000/v1", needs_key=False),
    "lmstudio": Kind(_CHAT, "http://127.0.0.1:1234/v1", needs_key=False),
}
