"""`model_routing`: from the name that a client asks for to providers and their models."""

from __future__ import annotations

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
    weight: Annotated[Whole, PENDING] = 1


class HedgeConfig(Section):
    """A second call when the first one is late."""

    after: Name
    """A percentile of the first-token time: `p95`."""


def _at_least_one(targets: tuple[AliasTarget, ...]) -> tuple[AliasTarget, ...]:
    if not targets:
        raise ValueError("names no model: name at least one, or remove the alias")
    return targets


class Alias(Section):
    """A name of one's own. The short forms, a name or a list of names, become this one."""

    targets: Annotated[tuple[AliasTarget, ...], AfterValidator(_at_least_one)]
    strategy: Annotated[Literal["order", "weighted", "least-busy", "fastest"], PENDING] = "order"
    hedge: Annotated[HedgeConfig | None, PENDING] = None
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

    enabled: Annotated[bool, PENDING] = False
    model: Annotated[Name, PENDING] = "auto"
    simple: Annotated[Line, PENDING] = ""
    moderate: Annotated[Line, PENDING] = ""
    complex: Annotated[Line, PENDING] = ""


class CascadeConfig(Section):
    """A virtual model that tries others in order."""

    enabled: Annotated[bool, PENDING] = False
    model: Annotated[Name, PENDING] = "cascade"
    models: Annotated[tuple[Name, ...], PENDING] = ()
    max_retries: Annotated[Whole, PENDING] = 2


class AffinityConfig(Section):
    """Calls of one conversation stay where their prompt cache is warm."""

    enabled: Annotated[bool, PENDING] = True
    ttl_s: Annotated[Duration, PENDING] = Field(600, alias="ttl")


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
    fallbacks: Annotated[Table[Name, tuple[Name, ...]], PENDING] = Field(default_factory=nothing)
    complexity: ComplexityConfig = Field(default_factory=ComplexityConfig)
    cascade: CascadeConfig = Field(default_factory=CascadeConfig)
    affinity: AffinityConfig = Field(default_factory=AffinityConfig)
    payload_transformation: PayloadConfig = Field(default_factory=PayloadConfig)
    global_params: GlobalParamsConfig = Field(default_factory=GlobalParamsConfig)
    model_params: tuple[ModelParamsConfig, ...] = ()
    """The first that matches is the one."""
