"""Frozen value objects that every layer may name. No behaviour that needs a clock, a network or a store."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from relay.per_call import record

MAX_MODEL_CHARACTERS = 256
"""The longest name of a model, asked for or listed."""


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
class Limits:
    """What a user or an API key may use; None: everything. Globs, as in the configuration."""

    models: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the holder of a valid credential."""

    name: str
    """For logs and records: the access key's configured name, or a user name. Never a secret."""
    role: Role
    user_id: int | None = None
    """None: the operator, by an access key."""
    limits: tuple[Limits, ...] = ()
    """All of them hold: those of the user, and those of the API key that was used."""
    session_id: str | None = None
    """Of the access token that was used; None for every other credential."""
    api_key_id: int | None = None
    """Of the API key that was used; None for every other credential."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go: a provider, and the model's name there."""

    provider: str
    model: str


@record(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider told them; None: it did not tell that number."""

    input_tokens: int | None = None
    """All input: the parts read from and written to a cache included."""
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    """Kept for five minutes, or for a time that was not told."""
    cache_write_1h_tokens: int | None = None
    """Kept for an hour; None also where all writes were told as one number."""
    output_tokens: int | None = None
    """All output: reasoning included."""
    reasoning_tokens: int | None = None


class Outcome(enum.StrEnum):
    """How a call ended."""

    COMPLETE = "complete"
    """As the upstream meant it."""
    REFUSED = "refused"
    """The upstream's error, or all attempts failed, before the first byte."""
    REJECTED = "rejected"
    """The relay said no: a bad body, an unknown model, a limit."""
    UPSTREAM_BROKEN = "upstream_broken"
    """After the first byte."""
    CLIENT_GONE = "client_gone"
    CLIENT_STALLED = "client_stalled"
    """Cut, since the client read nothing for too long."""
    SHUTTING_DOWN = "shutting_down"
    """Cut by the end of the drain."""


@record(frozen=True, slots=True)
class AttemptRecord:
    """One try of one call."""

    target: Target
    key_label: str | None
    """None for a provider without keys."""
    status: int | None
    """What a client would have been told of it; None where the call ended in the middle."""
    error: str | None
    """The code of the fault; None where there was none."""
    duration_ms: int


@record(frozen=True, slots=True)
class CallRecord:
    """What is kept of one call: who, what, where, how it ended. Never a word of what was said."""

    call_id: str
    """Unique; `request_id` may be the client's choice."""
    request_id: str
    received_at: datetime
    """UTC."""
    api_key: str
    """The name of the credential."""
    client_ip: str
    user_agent: str
    endpoint: str
    dialect: Dialect
    model: str | None
    """The name asked for; None where the body was never read."""
    target: Target | None
    """Who answered, or was asked last; None where nobody was asked."""
    key_label: str | None
    attempts: tuple[AttemptRecord, ...]
    status_code: int
    """What the client saw; 499 where it saw nothing since it had left."""
    outcome: Outcome
    is_stream: bool
    first_token_ms: int | None
    """From the request's arrival to the answer's first byte on its way to the client; None where none went out."""
    latency_ms: int
    """From the request's arrival to the end of its answer."""
    usage: Usage | None
    """None: the upstream told nothing."""
    error_type: str | None
    """The code of what went wrong."""
    overhead_us: int | None = None
    """The relay's own share of the time until the answer could begin; None where there was no target to ask."""
