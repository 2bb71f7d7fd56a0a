"""Which layers of a configuration a target's requests go through, in their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from relay.config.providers import ModelParamsConfig, ProviderConfig
from relay.config.routing import GlobalParamsConfig, PayloadConfig
from relay.config.schema import Config
from relay.core.globs import is_among
from relay.core.params.changes import Layer, Setting, SystemPrompt
from relay.core.params.paths import filled, replaced
from relay.formats.conversations import Placement

_PUTS = {"default": filled, "override": replaced}
_PLACEMENTS = {"default": Placement.FRONT, "override": Placement.INSTEAD}


def are_any(config: Config) -> bool:
    """Whether the configuration has any layer at all."""
    routing = config.model_routing
    return bool(
        routing.model_params
        or routing.payload_transformation.enabled
        or routing.global_params.enabled
        or any(one.params or one.system_prompt or one.model_params for one in config.providers.values())
    )


def layers_of(config: Config, provider: str, names: Collection[str]) -> Iterator[Layer]:
    """Those for a model at a provider; `names` are all names of the model, of which a glob must match one."""
    routing = config.model_routing
    given = config.providers.get(provider, ProviderConfig())
    yield from _of_model(f"providers.{provider}.model_params", given.model_params, names)
    yield from _of_model("model_routing.model_params", routing.model_params, names)
    yield from _of_rules("model_routing.payload_transformation.rules", routing.payload_transformation, names)
    yield from _of_all("model_routing.global_params", routing.global_params)
    yield _layer(f"providers.{provider}", given.params, given.system_prompt)


def one_prompt(layers: Iterable[Layer]) -> SystemPrompt | None:
    """The system prompts of several layers: a later one stands in front, or instead, of those before it."""
    found: SystemPrompt | None = None
    for prompt in (layer.prompt for layer in layers):
        if prompt is None:
            continue
        if found is None or prompt.placement is Placement.INSTEAD:
            found = prompt
        else:
            found = SystemPrompt(found.placement, f"{prompt.text}\n\n{found.text}")
    return found


def are_named(names: Iterable[str], globs: Collection[str]) -> bool:
    """Whether one of the globs matches one of a model's names."""
    return any(is_among(name, globs) for name in names)


def _of_model(source: str, entries: Iterable[ModelParamsConfig], names: Collection[str]) -> Iterator[Layer]:
    for number, entry in enumerate(entries):
        if are_named(names, (entry.model_pattern,)):
            yield _layer(f"{source}[{number}]", entry.params, entry.system_prompt)
            return


def _of_rules(source: str, given: PayloadConfig, names: Collection[str]) -> Iterator[Layer]:
    for number, rule in enumerate(given.rules if given.enabled else ()):
        if are_named(names, rule.models):
            settings = (*_settings(rule.inject_params, "default"), *_settings(rule.override_params, "override"))
            yield Layer(f"{source}[{number}]", settings)


def _of_all(source: str, given: GlobalParamsConfig) -> Iterator[Layer]:
    if given.enabled:
        yield _layer(source, given.params, given.system_prompt, given.mode)


def _layer(source: str, params: Mapping[str, object], system_prompt: str, mode: str = "default") -> Layer:
    prompt = SystemPrompt(_PLACEMENTS[mode], system_prompt) if system_prompt.strip() else None
    return Layer(source, _settings(params, mode), prompt)


def _settings(params: Mapping[str, object], mode: str) -> tuple[Setting, ...]:
    return tuple(Setting(name, value, _PUTS[mode]) for name, value in params.items())
