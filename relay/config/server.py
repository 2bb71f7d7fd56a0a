"""`server` and `auth`: where MonoRelay listens and whom it lets in."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from relay.config.display import shown
from relay.config.section import PENDING, Section
from relay.config.values import Duration, KeySecret, Line, Name, Number, Secret, Size, UtcTime, Whole

ACCESS_KEY_NAME = "access-key"
"""The name of a single, unnamed access key, as logs and records show it."""

OnDisconnect: TypeAlias = Literal["cancel", "drain"]


class AccessKey(Section):
    """A credential of the operator."""

    name: Name
    key: KeySecret
    """Empty: matches nothing."""
    expires_at: UtcTime = None


MIN_SIGNING_BYTES = 32
"""RFC 7518, 3.2: a key of the size of the hash that it makes, at least."""
MAX_REFRESH_S = 366 * 86_400
MIN_STALE_S = 5
"""Accounts are followed twice a second: one look that fails is no outage."""

AT_LEAST_A_MOMENT = Field(ge=0.05)
"""Of a deadline: nothing at all can be done in no time, so that 0 would only look like "never"."""


class QueueConfig(Section):
    """Requests that wait for admission."""

    size: Whole = 500
    timeout_s: Annotated[Duration, AT_LEAST_A_MOMENT] = Field(5, alias="timeout")


def _access_keys(value: object, validate: ValidatorFunctionWrapHandler) -> tuple[AccessKey, ...]:
    """One text is one key, or none when it is empty; else a list of named keys."""
    if isinstance(value, list):
        return tuple(validate(value))
    if not isinstance(value, str):
        raise ValueError("must be a text in quotes, or a list of {name, key, expires_at} (what is there is not shown)")
    keys: tuple[AccessKey, ...] = validate([{"name": ACCESS_KEY_NAME, "key": value}])
    return keys if keys[0].key.get_secret_value() else ()


def _listed(value: object) -> object:
    """One secret or a list of them; an empty one is none."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        return value
    raise ValueError("must be a text in quotes, or a list of texts (what is there is not shown)")


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")


def _origin(value: str) -> str:
    """Browsers send origins in lower case."""
    origin = value.lower()
    if origin != "*" and not _ORIGIN.fullmatch(origin):
        raise ValueError(
            f"must be an origin such as https://chat.example.org, without a path, or '*', not {shown(value)}"
        )
    return origin


def _network(value: str) -> str:
    """An address is a network of one."""
    try:
        return str(ip_network(value, strict=False))
    except ValueError as error:
        raise ValueError(f"must be an address or a network such as 10.0.0.0/8, not {shown(value)}") from error


class ServerConfig(Section):
    """The listening side."""

    host: Line = "0.0.0.0"  # noqa: S104 - the documented default; a first start writes 127.0.0.1
    port: Annotated[Whole, Field(le=65535)] = 8787
    """0: any free one."""
    workers: Annotated[Whole, PENDING] = 1
    access_keys: Annotated[tuple[AccessKey, ...], WrapValidator(_access_keys)] = Field((), alias="access_key")
    access_key_enabled: bool = True
    public_host: Line = ""
    """How clients reach MonoRelay; empty: the request's own Host."""
    log_level: Annotated[Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"], BeforeValidator(_upper)] = "INFO"
    log_format: Literal["text", "json"] = "text"
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    max_body_bytes: Annotated[Size, Field(ge=1)] = Field(64 * 2**20, alias="max_body")
    max_upload_bytes: Annotated[Size, PENDING] = Field(512 * 2**20, alias="max_upload")
    max_in_flight: Annotated[Whole, Field(ge=1)] = 2000
    queue: QueueConfig = Field(default_factory=QueueConfig)
    keepalive_timeout_s: Duration = Field(75, alias="keepalive_timeout")
    header_timeout_s: Annotated[Duration, AT_LEAST_A_MOMENT] = Field(20, alias="header_timeout")
    body_timeout_s: Annotated[Duration, AT_LEAST_A_MOMENT] = Field(30, alias="body_timeout")
    write_timeout_s: Annotated[Duration, AT_LEAST_A_MOMENT] = Field(60, alias="write_timeout")
    drain_s: Duration = Field(60, alias="drain")
    drain_delay_s: Duration = Field(0, alias="drain_delay")
    sse_keepalive_first_s: Duration = Field(50, alias="sse_keepalive_first")
    sse_keepalive_s: Duration = Field(15, alias="sse_keepalive")
    max_buffered_bytes: Annotated[Size, Field(ge=1)] = Field(2**30, alias="max_buffered")


class LimitsConfig(Section):
    """What a user may use; None: no limit."""

    rpm: Annotated[Whole | None, PENDING] = None
    tpm: Annotated[Whole | None, PENDING] = None
    max_parallel: Annotated[Whole | None, PENDING] = None
    budget_usd: Annotated[Number | None, PENDING] = None
    budget_period: Annotated[Literal["day", "week", "month", "total"] | None, PENDING] = None
    models: tuple[Name, ...] | None = None
    endpoints: tuple[Name, ...] | None = None
    on_disconnect: Annotated[OnDisconnect | None, PENDING] = None


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < MIN_SIGNING_BYTES:
        raise ValueError(f"must have at least {MIN_SIGNING_BYTES} bytes (what is there is not shown)")
    return secret


SigningSecret: TypeAlias = Annotated[Secret, AfterValidator(_long_enough)]


class AuthConfig(Section):
    """Accounts and their tokens."""

    registration: Literal["open", "approval", "invite", "closed"] = "open"
    access_token_ttl_s: Annotated[Duration, Field(ge=60, le=86_400)] = Field(3600, alias="access_token_ttl")
    refresh_token_ttl_s: Annotated[Duration, Field(ge=60, le=MAX_REFRESH_S)] = Field(
        7 * 86_400, alias="refresh_token_ttl"
    )
    jwt_secrets: Annotated[tuple[SigningSecret, ...], BeforeValidator(_listed)] = Field((), alias="jwt_secret")
    """The first signs, all verify. Empty: one kept in the data folder."""
    bcrypt_cost: Annotated[Whole, Field(ge=4, le=16)] = 12
    stale_ttl_s: Annotated[Duration, Field(ge=MIN_STALE_S)] = Field(600, alias="stale_ttl")
    default_limits: LimitsConfig = Field(default_factory=LimitsConfig)
