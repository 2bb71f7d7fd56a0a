"""Frozen value objects that every layer may name. No behaviour that needs a clock, a network or a store."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Dialect(enum.StrEnum):
    """A wire format that clients speak and providers serve. The values are those of `providers.*.dialects`."""

    CHAT = "chat"
    """OpenAI Chat Completions, and the endpoints that every server of it also has (completions, embeddings, ...)."""
    RESPONSES = "responses"
    """OpenAI Responses."""
    MESSAGES = "messages"
    """Anthropic Messages."""


class Role(enum.IntEnum):
    """What a principal may do; a higher value may do all that a lower one may."""

    USER = 1
    ADMIN = 2
    SUPER_ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the holder of a valid credential."""

    name: str
    """For logs and records: the access key's configured name, or a user name. Never a secret."""
    role: Role


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go: a provider, and the model's name there."""

    provider: str
    model: str
