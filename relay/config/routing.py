"""`model_routing`: from the name that a client asks for to providers and their models."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from relay.config.display import shown
from relay.config.parameters import Params
from relay.config.providers import ModelParamsConfig
from relay.config.section import PENDING, Section
from relay.config.server import OnDisconnect
from relay.config.values import Duration, Line, Name, Table, Whole, nothing


class AliasTarget(Section):
    """One of the models that an alias stands for."""

    model: Name
    """A model, `model@provider`, or another alias."""
    weight: Whole = 1
    """Of `strategy: weighted`; 0: only where no other is left."""


_PERCENTILE = re.compile(r"p([5-9]\d)")


def _percentile(value: str) -> str:
    if not _PERCENTILE.fullmatch(value):
        raise ValueError(f"must be a percentile of the first-token time, p50 to p99, not {shown(value)}")
    return value


class HedgeConfig(Section):
    """A second call when the first one is late."""

    after: Annotated[str, AfterValidator(_percentile)]
    """A percentile of the first-token time: `p95`."""

    @property
    def percentile(self) -> int:
        """The number of it."""
        return int(self.after[1:])


def _at_least_one(targets: tuple[AliasTarget, ...]) -> tuple[AliasTarget, ...]:
    if not targets:
        raise ValueError("names no model: name at least one, or remove the alias")
    return targets


class Alias(Section):
    """A name of one's own. The short forms, a name or a list of names, become this one."""

    targets: Annotated[tuple[AliasTarget, ...], AfterValidator(_at_least_one)]
    strategy: Literal["order", "weighted", "least-busy", "fastest"] = "order"
    hedge: HedgeConfig | None = None
    on_disconnect: Annotated[OnDisconnect | None, PENDING] = None
    """None: the top-level `on_disconnect`."""


def _in_full(value: object) -> object:
    """An alias of any form as a mapping; what is none of the forms is left to be complained of."""
    if isinstance(value, dict):
        return {**value, "targets": _targets(value["targets"])} if "targets" in value else value
    if isinstance(value, str | list):
        return {"targets": _targets([value] if isinstance(value, str) else value)}
    raise ValueError(f"must be a name, a list of names, or a mapping with 'targets', not {shown(value)}")


def _targets(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [target if isinstance(target, dict) else {"model": target} for target in value]


class ComplexityConfig(Section):
    """A virtual model that is three, by how hard the prompt looks."""

    enabled: bool = False
    model: Name = "auto"
    simple: Line = ""
    moderate: Line = ""
    complex: Line = ""


class CascadeConfig(Section):
    """A virtual model that tries others in order."""

    enabled: bool = False
    model: Name = "cascade"
    models: tuple[Name, ...] = ()
    max_retries: Whole = 2
    """How many further ones may be tried behind the first."""


class AffinityConfig(Section):
    """Calls of one conversation stay where their prompt cache is warm."""

    enabled: bool = True
    ttl_s: Duration = Field(600, alias="ttl")


def _some_globs(globs: tuple[str, ...]) -> tuple[str, ...]:
    if not globs:
        raise ValueError("names no model: name at least one, or write '*' for all")
    return globs


class PayloadRule(Section):
    """Parameters for the models that any of the globs matches."""

    models: Annotated[tuple[Name, ...], AfterValidator(_some_globs)]
    inject_params: Params = Field(default_factory=nothing)
    """Where the client gave none."""
    override_params: Params = Field(default_factory=nothing)
    """Whatever the client gave."""


class PayloadConfig(Section):
    """Rules that fill in or replace parameters of a request."""

    enabled: bool = False
    rules: tuple[PayloadRule, ...] = ()


class GlobalParamsConfig(Section):
    """Parameters of every request."""

    enabled: bool = False
    mode: Literal["default", "override"] = "default"
    params: Params = Field(default_factory=nothing)
    system_prompt: str = ""


class RoutingConfig(Section):
    """Names to targets; the first match in the order of the file wins."""

    aliases: Table[Name, Annotated[Alias, BeforeValidator(_in_full)]] = Field(default_factory=nothing)
    provider_mapping: Table[Name, Name] = Field(default_factory=nothing)
    """Glob for a model's name -> provider."""
    model_overrides: Table[Name, Name] = Field(default_factory=nothing)
    """Glob for a model's name -> the name to ask for instead."""
    fallbacks: Table[Name, tuple[Name, ...]] = Field(default_factory=nothing)
    """Glob for a model's name or an alias -> the names to go to when it fails."""
    complexity: ComplexityConfig = Field(default_factory=ComplexityConfig)
    cascade: CascadeConfig = Field(default_factory=CascadeConfig)
    affinity: AffinityConfig = Field(default_factory=AffinityConfig)
    payload_transformation: PayloadConfig = Field(default_factory=PayloadConfig)
    global_params: GlobalParamsConfig = Field(default_factory=GlobalParamsConfig)
    model_params: tuple[ModelParamsConfig, ...] = ()
    """The first that matches is the one."""
