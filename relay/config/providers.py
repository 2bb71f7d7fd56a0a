"""`providers`: one upstream account each."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from relay.config.base_url import checked_base_url, checked_proxy
from relay.config.headers import HeaderGlob, HeaderName, HeaderValue
from relay.config.parameters import Params
from relay.config.section import PENDING, Section
from relay.config.values import (
    Duration,
    KeySecret,
    Line,
    Name,
    Number,
    Resolved,
    Secret,
    Table,
    UtcTime,
    Whole,
    nothing,
)
from relay.model import Dialect

KeyStrategy: TypeAlias = Literal["round-robin", "random", "weighted", "least-busy"]
"""How one of a provider's keys is chosen."""

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_STATUSES_WORTH_A_RETRY = (408, 409, 429, 500, 502, 503, 504, 529)


class WindowLimits(Section):
    """Calls in sliding windows; 0: none."""

    window_5h: Whole = 0
    window_1d: Whole = 0
    window_7d: Whole = 0


class KeyConfig(Section):
    """One credential at a provider, with what it may be used for; limits of 0 are none."""

    key: KeySecret
    label: Line
    """Unique in the provider; `key-1`, `key-2`, ... by position when the file names none."""
    weight: Whole = 1
    enabled: bool = True
    expires_at: UtcTime = None
    quota_limit: Whole = 0
    rate_limit_rps: Number = 0
    rate_limit_rpm: Number = 0
    rate_limit_tpm: Number = 0
    max_parallel: Whole = 0
    usage_window_limits: WindowLimits = WindowLimits()


class TimeoutConfig(Section):
    """How long each part of an upstream call may take."""

    connect_s: Annotated[Duration, Field(gt=0)] = Field(10, alias="connect")
    first_byte_s: Annotated[Duration, Field(gt=0)] = Field(120, alias="first_byte")
    idle_s: Annotated[Duration, Field(gt=0)] = Field(120, alias="idle")
    """Between two reads of the body."""
    total_s: Annotated[Duration, Field(gt=0)] = Field(1800, alias="total")


class ModelsConfig(Section):
    """Which models a provider serves: names or globs; no include is all of them."""

    include: tuple[Name, ...] = ()
    exclude: tuple[Name, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What is included by name."""
        return tuple(name for name in self.include if not _is_glob(name))

    @property
    def globs(self) -> tuple[str, ...]:
        """What is included by a glob."""
        return tuple(name for name in self.include if _is_glob(name))

    @property
    def are_open(self) -> bool:
        """Whether there may be models that are not named here."""
        return not self.include or bool(self.globs)


def _is_glob(name: str) -> bool:
    return "*" in name or "?" in name


class CostConfig(Section):
    """USD per million tokens; None: not given."""

    input: Annotated[Number | None, PENDING] = None
    output: Annotated[Number | None, PENDING] = None
    cache_read: Annotated[Number | None, PENDING] = None
    cache_write: Annotated[Number | None, PENDING] = None
    reasoning: Annotated[Number | None, PENDING] = None


class RetryConfig(Section):
    """Attempts before the first byte went to the client."""

    enabled: bool = True
    max_retries: Annotated[Whole, Field(le=2)] = 2
    retry_on_status: tuple[Whole, ...] = _STATUSES_WORTH_A_RETRY
    backoff_factor: Number = 1.5
    backoff_max_s: Duration = Field(2, alias="backoff_max")


class BreakerConfig(Section):
    """After so many failures in a window, a target rests."""

    failures: Whole = 5
    window_s: Duration = Field(30, alias="window")
    open_s: Duration = Field(30, alias="open")


class ModelParamsConfig(Section):
    """Parameters for the models that a glob matches."""

    model_pattern: Name
    params: Params = Field(default_factory=nothing)
    system_prompt: str = ""


def _provider_type(name: str) -> str:
    """Known types are checked where they are known (relay.upstream)."""
    if name == "web_reverse":
        raise ValueError("is 'web_reverse', which is not offered: MonoRelay does not drive web chats; use an API")
    return "openai" if name == "api" else name


def _labelled(value: object) -> object:
    """Keys without a label get one by position; what is no list of mappings is left to be complained of."""
    if not isinstance(value, list):
        return value
    return [
        {**key, "label": f"key-{position}"} if isinstance(key, dict) and key.get("label", "") == "" else key
        for position, key in enumerate(value, 1)
    ]


def _both_waits(value: object) -> object:
    """One number is the wait for the first byte and for each following one."""
    return value if isinstance(value, dict) else {"first_byte": value, "idle": value}


def _provider_name(name: str) -> str:
    if not _PROVIDER_NAME.fullmatch(name):
        raise ValueError(
            "is no name for a provider: letters, digits, '_', '.', '-', 64 at most, a letter or digit first"
        )
    return name


def _proxy(url: SecretStr) -> SecretStr:
    checked_proxy(url.get_secret_value())
    return url


ProviderName: TypeAlias = Annotated[str, AfterValidator(_provider_name)]


class ProviderConfig(Section):
    """One upstream: where it is, how to speak to it, and with which keys."""

    enabled: bool = True
    provider_type: Annotated[Name, AfterValidator(_provider_type)] = "openai"
    base_url: Annotated[Resolved, AfterValidator(checked_base_url)] = Field("", repr=False)
    """Without a trailing slash. Empty: the provider type's own, where it has one."""
    dialects: tuple[Dialect, ...] = ()
    """Empty: what the provider type speaks."""
    keys: Annotated[tuple[KeyConfig, ...], BeforeValidator(_labelled)] = ()
    key_strategy: Literal["", KeyStrategy] = ""
    """Empty: `key_selection.strategy`."""
    headers: Table[HeaderName, HeaderValue] = Field(default_factory=nothing)
    forward_headers: tuple[HeaderGlob, ...] = ()
    http_client: Literal["direct", "aiohttp"] = "direct"
    rate_limit_cooldown_s: Duration = Field(60, alias="rate_limit_cooldown")
    timeout: Annotated[TimeoutConfig, BeforeValidator(_both_waits)] = Field(default_factory=TimeoutConfig)
    max_parallel: Whole = 0
    models: ModelsConfig = Field(default_factory=ModelsConfig)
    default: bool = False
    """Takes names that nobody knows."""
    cost_per_m_input: Annotated[Number, PENDING] = 0
    cost_per_m_output: Annotated[Number, PENDING] = 0
    costs: Annotated[Table[Name, CostConfig], PENDING] = Field(default_factory=nothing)
    retry: RetryConfig = Field(default_factory=RetryConfig)
    breaker: BreakerConfig = Field(default_factory=BreakerConfig)
    params: Params = Field(default_factory=nothing)
    system_prompt: str = ""
    model_params: tuple[ModelParamsConfig, ...] = ()
    """The first that matches is the one."""
    proxy: Annotated[Secret, AfterValidator(_proxy)] = SecretStr("")
    """A URL that may hold a password."""
    test_model: Line = ""
    """Empty: the first that is included by name, else the first of its list that looks fit."""
