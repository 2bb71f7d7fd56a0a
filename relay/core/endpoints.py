"""The relayed endpoints, as data: where each is served, what a provider must speak for it, and where it goes there.

Sources: OpenAI API reference and Anthropic API reference (read 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relay.model import Dialect


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One relayed path."""

    path: str
    """As clients call it."""
    dialect: Dialect
    """What a provider must speak to serve it, and the form of errors."""
    upstream_path: str
    """Behind a provider's base URL."""
    may_stream: bool = False
    """Whether `stream: true` has a meaning here."""
    has_usage_option: bool = False
    """Whether a stream tells its usage only when `stream_options.include_usage` asks for it."""
    generates: bool = False
    """Whether parameters of the configuration are put into its requests."""
    has_conversation: bool = False
    """Whether its requests have a system prompt, messages and tools."""
    default_model: str | None = None
    """What a body without a model means, where the provider's reference says so; None: it must have one."""


ENDPOINTS = (
    Endpoint(
        "/v1/chat/completions", Dialect.CHAT, "/chat/completions",
        may_stream=True, has_usage_option=True, generates=True, has_conversation=True,
    ),
    Endpoint(
        "/v1/completions", Dialect.CHAT, "/completions", may_stream=True, has_usage_option=True, generates=True
    ),
    Endpoint(
        "/v1/responses", Dialect.RESPONSES, "/responses", may_stream=True, generates=True, has_conversation=True
    ),
    Endpoint(
        "/v1/messages", Dialect.MESSAGES, "/messages", may_stream=True, generates=True, has_conversation=True
    ),
    Endpoint("/v1/messages/count_tokens", Dialect.MESSAGES, "/messages/count_tokens", has_conversation=True),
    Endpoint("/v1/embeddings", Dialect.CHAT, "/embeddings"),
    Endpoint("/v1/moderations", Dialect.CHAT, "/moderations", default_model="omni-moderation-latest"),
)  # fmt: skip

BY_PATH: Mapping[str, Endpoint] = {endpoint.path: endpoint for endpoint in ENDPOINTS}
"""The same by where clients call them."""
