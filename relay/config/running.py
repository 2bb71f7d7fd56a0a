"""The smaller sections: keys and tools of a call, and what keeps the relay's books."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from relay.config.providers import KeyStrategy
from relay.config.section import PENDING, Section
from relay.config.values import Duration, Json, KeySecret, Name, Number, Secret, Size, Whole, nothing

POSTGRES_SCHEME = "postgresql+asyncpg://"


class KeySelectionConfig(Section):
    """How a key is chosen where a provider does not say."""

    strategy: KeyStrategy = "round-robin"
    queue_s: Duration = Field(0, alias="queue")
    """How long a request waits for a key; 0: not at all."""


class ToolCallingConfig(Section):
    """Models that take no tools get the request without them."""

    auto_downgrade: bool = True
    """False: such a model is passed over for a request with tools."""
    unsupported_models: tuple[Name, ...] = ()


class TranslationConfig(Section):
    """Between dialects."""

    max_tokens: Annotated[Whole, PENDING] = 4096
    """Where the target's dialect demands a number and the client gave none."""
    store_responses: Annotated[bool, PENDING] = True
    store_ttl_s: Annotated[Duration, PENDING] = Field(30 * 86_400, alias="store_ttl")
    beta_headers: Annotated[Json, PENDING] = Field(default_factory=nothing)


def _postgres(url: SecretStr) -> SecretStr:
    """The one other database that there is; asyncpg is what speaks to it."""
    text = url.get_secret_value()
    if text and not text.startswith(POSTGRES_SCHEME):
        raise ValueError(f"must begin with {POSTGRES_SCHEME} (what is there is not shown); empty: SQLite")
    return url


class DatabaseConfig(Section):
    """Where records are kept."""

    url: Annotated[Secret, AfterValidator(_postgres)] = SecretStr("")
    """Empty: SQLite in the data folder."""


class RedisConfig(Section):
    """Limits across processes."""

    url: Annotated[Secret, PENDING] = SecretStr("")


class LoggingConfig(Section):
    """Which calls are kept, and how much of them."""

    enabled: Annotated[bool, PENDING] = True
    bodies: Annotated[Literal["none", "preview", "full"], PENDING] = "preview"
    content_preview_chars: Annotated[Whole, PENDING] = Field(200, alias="content_preview_length")
    max_age_days: Annotated[Whole, PENDING] = 30
    max_size_bytes: Annotated[Size, PENDING] = Field(10 * 2**30, alias="max_size")


class MetricsConfig(Section):
    """Prometheus."""

    token: KeySecret = SecretStr("")
    """Lets a scraper read /metrics; empty: admins only."""


class LedgerConfig(Section):
    """The journal of finished calls."""

    journal_max_bytes: Annotated[Size, PENDING] = Field(2**30, alias="journal_max")
    when_full: Annotated[Literal["refuse", "drop"], PENDING] = "refuse"
    roll_up_s: Annotated[Duration, PENDING] = Field(3600, alias="roll_up")


class DrainConfig(Section):
    """How far a stream is read on after its client left, under `on_disconnect: drain`."""

    max_s: Annotated[Duration, PENDING] = Field(60, alias="max")
    max_cost_usd: Annotated[Number, PENDING] = 0.5
