"""The root of the configuration: every section of config.yml. config.example.yml says the same with comments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from relay.config.providers import ProviderConfig, ProviderName
from relay.config.routing import RoutingConfig
from relay.config.running import (
    DatabaseConfig,
    DrainConfig,
    KeySelectionConfig,
    LedgerConfig,
    LoggingConfig,
    MetricsConfig,
    RedisConfig,
    ToolCallingConfig,
    TranslationConfig,
)
from relay.config.section import PENDING, Section
from relay.config.server import AuthConfig, OnDisconnect, ServerConfig
from relay.config.values import Table, nothing


class Config(Section):
    """One immutable snapshot; a request keeps the one it began with."""

    server: ServerConfig = Field(default_factory=ServerConfig)
    auth: AuthConfig = Field(default_factory=AuthConfig)
    providers: Table[ProviderName, ProviderConfig] = Field(default_factory=nothing)
    """In the order of the file."""
    model_routing: RoutingConfig = Field(default_factory=RoutingConfig)
    key_selection: KeySelectionConfig = Field(default_factory=KeySelectionConfig)
    tool_calling: ToolCallingConfig = Field(default_factory=ToolCallingConfig)
    translation: TranslationConfig = Field(default_factory=TranslationConfig)
    database: DatabaseConfig = Field(default_factory=DatabaseConfig)
    redis: RedisConfig = Field(default_factory=RedisConfig)
    logging: LoggingConfig = Field(default_factory=LoggingConfig)
    metrics: MetricsConfig = Field(default_factory=MetricsConfig)
    ledger: LedgerConfig = Field(default_factory=LedgerConfig)
    on_disconnect: Annotated[OnDisconnect, PENDING] = "cancel"
    drain: DrainConfig = Field(default_factory=DrainConfig)
