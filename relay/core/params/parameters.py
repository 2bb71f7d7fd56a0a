"""The way of a request through the layers of a configuration."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from relay.config.schema import Config
from relay.core.calls import RelayRequest
from relay.core.params.changes import TOOLS, UNCHANGED, Changes, Layer, LayerChange, Receipt
from relay.core.params.layers import are_any, are_named, layers_of, one_prompt
from relay.formats.conversations import CONVERSATIONS
from relay.model import Target
from relay.per_call import record

MAX_TARGETS = 4096


@record(frozen=True, slots=True)
class Prepared:
    """A request as a target gets it."""

    request: RelayRequest
    """The client's own where nothing was changed."""
    receipt: Receipt = UNCHANGED


class Parameters:
    """Those of one configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        tools = config.tool_calling
        self._downgraded = tools.unsupported_models if tools.auto_downgrade else ()
        self._is_idle = not (are_any(config) or self._downgraded)
        self.changes = lru_cache(MAX_TARGETS)(self._changes)
        """(the name that was asked for, a target) -> what is changed, None for nothing: always the same for both."""

    def prepared(self, request: RelayRequest, target: Target) -> Prepared:
        """The request with all that the configuration changes of it. Raises InvalidRequest: nested too deeply."""
        if self._is_idle:
            return Prepared(request)
        changes = self.changes(request.model, target)
        return Prepared(request) if changes is None else _prepared(request, changes)

    def _changes(self, asked: str, target: Target) -> Changes | None:
        names = _names(asked, target)
        layers = tuple(layers_of(self._config, target.provider, names))
        prompt = one_prompt(layers)
        setting = tuple(layer for layer in layers if layer.settings)
        drops_tools = are_named(names, self._downgraded)
        return Changes(setting, prompt, drops_tools) if setting or prompt or drops_tools else None


def _names(asked: str, target: Target) -> tuple[str, ...]:
    """What a model may be called in a pattern: as the client calls it, as the provider does, and with the provider."""
    return asked, target.model, f"{target.model}@{target.provider}"


def _prepared(request: RelayRequest, changes: Changes) -> Prepared:
    endpoint = request.endpoint
    body, receipt = request.body, UNCHANGED
    if endpoint.generates:
        body, receipt = _with_params(body, changes.layers)
    if endpoint.has_conversation:
        body, receipt = _with_conversation(request, body, changes, receipt)
    return Prepared(request) if body is request.body else Prepared(replace(request, body=body), receipt)


def _with_params(body: dict[str, Any], layers: tuple[Layer, ...]) -> tuple[dict[str, Any], Receipt]:
    told: list[LayerChange] = []
    for layer in layers:
        names: list[str] = []
        for setting in layer.settings:
            before, body = body, setting.applied(body)
            if body is not before:
                names.append(setting.name)
        if names:
            told.append(LayerChange(layer.source, tuple(names)))
    return body, Receipt(tuple(told))


def _with_conversation(
    request: RelayRequest, body: dict[str, Any], changes: Changes, receipt: Receipt
) -> tuple[dict[str, Any], Receipt]:
    parts = CONVERSATIONS[request.endpoint.dialect]
    if changes.prompt is not None:
        before, body = body, parts.with_prompt[changes.prompt.placement](body, changes.prompt.text)
        if body is not before:
            receipt = replace(receipt, system_prompt=changes.prompt.placement)
    if changes.drops_tools:
        before, body = body, parts.without_tools(body)
        if body is not before:
            receipt = replace(receipt, dropped=(TOOLS,))
    return body, receipt
