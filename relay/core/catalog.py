"""The routing catalog of a configuration, and what can be wrong with its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType

from relay.config.findings import Finding, KeyPath
from relay.config.nearest import suggestion
from relay.config.providers import ProviderConfig
from relay.config.routing import Alias, RoutingConfig
from relay.config.schema import Config
from relay.core.globs import is_among
from relay.core.routing import AliasRule, Capability, Cascade, Catalog, Complexity, Place, Rules, Strategy, graph
from relay.core.routing.resolving import MAX_NESTING
from relay.upstream.kinds import KINDS
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import DEMO, Provider

Lists = Mapping[str, Sequence[ListedModel]]
"""What providers have told of their models, by the provider's name."""
NO_LISTS: Lists = MappingProxyType({})


def catalog_of(
    config: Config, providers: Mapping[str, Provider], demo_models: tuple[str, ...], lists: Lists = NO_LISTS
) -> Catalog:
    """Index a configuration, with what providers have told of themselves by now.

    The demo provider takes every name while it is the only one, and none otherwise.
    """
    is_alone = set(providers) == {DEMO}
    suffixes = {name.casefold() for name in (*config.providers, *providers)}
    places = [
        _place(provider, config.providers[name], lists.get(name, ()), suffixes)
        for name, provider in providers.items()
        if name != DEMO
    ]
    if DEMO in providers:
        models = demo_models if is_alone else ()
        places.append(Place(DEMO, frozenset(providers[DEMO].dialects), models, is_default=is_alone))
    return Catalog(places, _rules(config))


def _rules(config: Config) -> Rules:
    routing, tools = config.model_routing, config.tool_calling
    cascade, complexity = routing.cascade, routing.complexity
    return Rules(
        aliases={name: _alias_rule(alias) for name, alias in routing.aliases.items()},
        provider_mapping=tuple(routing.provider_mapping.items()),
        model_overrides=tuple(routing.model_overrides.items()),
        fallbacks=tuple(routing.fallbacks.items()),
        cascade=Cascade(cascade.model, cascade.models[: cascade.max_retries + 1]) if cascade.enabled else None,
        complexity=Complexity(complexity.model, complexity.simple, complexity.moderate, complexity.complex)
        if complexity.enabled
        else None,
        toolless=() if tools.auto_downgrade else tools.unsupported_models,
    )


def _alias_rule(alias: Alias) -> AliasRule:
    return AliasRule(
        tuple(target.model for target in alias.targets),
        Strategy(alias.strategy),
        tuple(target.weight for target in alias.targets),
        None if alias.hedge is None else alias.hedge.percentile,
    )


def _place(provider: Provider, given: ProviderConfig, listed: Sequence[ListedModel], suffixes: Set[str]) -> Place:
    models, told = provider.models, _told(provider, listed, suffixes)
    return Place(
        provider.name,
        frozenset(provider.dialects),
        tuple(name for name in (*models.names, *told) if not is_among(name, models.exclude)),
        models.exclude,
        given.default,
        models.globs,
        {model.name.casefold(): _capability(model) for model in listed},
    )


def _capability(listed: ListedModel) -> Capability:
    return Capability(listed.context_tokens, listed.takes_images, listed.takes_tools)


def _told(provider: Provider, listed: Sequence[ListedModel], suffixes: Set[str]) -> list[str]:
    """The names of a provider's list that may be known as its models, without those that are included by name.

    None that ends in `@` and the name of a provider, be it switched off: by that a client chooses who gets its call.
    """
    if not provider.is_asked_for_models:
        return []
    models = provider.models
    named = {name.casefold() for name in models.names}
    return [
        name
        for name in (model.name for model in listed)
        if name.casefold() not in named
        and (not models.include or is_among(name, models.globs))
        and ("@" not in name or name.rpartition("@")[2].casefold() not in suffixes)
    ]


def check(config: Config) -> Iterator[Finding]:
    """Rules that lead nowhere: aliases in a loop, and providers that don't exist."""
    yield from _unknown_providers(config)
    yield from _aliases(config.model_routing)
    yield from _loops(config.model_routing)
    yield from _virtual_models(config.model_routing)


def _aliases(routing: RoutingConfig) -> Iterator[Finding]:
    """Two that no call could tell apart."""
    met: dict[str, str] = {}
    for name in routing.aliases:
        other = met.setdefault(name.casefold(), name)
        if other != name:
            yield Finding(("model_routing", "aliases", name), f"is {other!r} once more: names differ in more than case")


def _loops(routing: RoutingConfig) -> Iterator[Finding]:
    """Aliases, and virtual models, that lead back to themselves, or so deep into others that nobody follows."""
    names = {
        name.casefold(): [target.model.casefold() for target in alias.targets]
        for name, alias in routing.aliases.items()
    }
    virtual = {name.casefold(): [model.casefold() for model in models] for name, _, models in _virtual(routing)}
    places: dict[str, KeyPath] = {name.casefold(): ("model_routing", section) for name, section, _ in _virtual(routing)}
    places |= {name.casefold(): ("model_routing", "aliases", name) for name in routing.aliases}
    looping = [name for name in places if graph.leads_back(virtual | names, name)]
    for name in looping:
        yield Finding(places[name], "this alias leads back to itself")
    if not looping:
        for name, depth in graph.nesting(names).items():
            if depth > MAX_NESTING:
                yield Finding(places[name], f"this alias stands for aliases of aliases, more than {MAX_NESTING} deep")


def _virtual_models(routing: RoutingConfig) -> Iterator[Finding]:
    """Those that stand for nothing, and those that nobody would come to."""
    aliases = {name.casefold() for name in routing.aliases}
    met: set[str] = set()
    for name, section, models in _virtual(routing):
        if not models:
            yield Finding(("model_routing", section), "is enabled and names no model")
        if name.casefold() in aliases | met:
            yield Finding(("model_routing", section, "model"), f"{name!r} is the name of something else as well")
        met.add(name.casefold())


def _virtual(routing: RoutingConfig) -> Iterator[tuple[str, str, list[str]]]:
    """Each virtual model that is enabled: its name, its section, and the names that it may turn into."""
    complexity, cascade = routing.complexity, routing.cascade
    if complexity.enabled:
        named = (complexity.simple, complexity.moderate, complexity.complex)
        yield complexity.model, "complexity", [name for name in named if name]
    if cascade.enabled:
        yield cascade.model, "cascade", list(cascade.models)


def warnings(config: Config) -> tuple[str, ...]:
    """Providers that no call will come to unless it names them: those whose own list says nothing, either."""
    enabled = {name: given for name, given in config.providers.items() if given.enabled and name != DEMO}
    if any(given.default for given in enabled.values()):
        return ()
    named = {provider.casefold() for _, provider in _mentions(config)}
    return tuple(
        f"Provider {name!r} is asked only for MODEL@{name}: list its models.include, or set default: true."
        for name, given in enabled.items()
        if not given.models.include and not KINDS[given.provider_type].has_list and name.casefold() not in named
    )


def _unknown_providers(config: Config) -> Iterator[Finding]:
    known = {name.casefold(): name for name in (*config.providers, DEMO)}
    for path, provider in _mentions(config):
        if provider.casefold() not in known:
            yield Finding(path, f"there is no provider {provider!r}{suggestion(provider, known.values())}")


def _mentions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Where the rules name providers: in mappings, and behind an `@` that is no part of a known name."""
    routing = config.model_routing
    for glob, provider in routing.provider_mapping.items():
        yield ("model_routing", "provider_mapping", glob), provider
    models = {name.casefold() for given in config.providers.values() for name in given.models.include}
    names = models | {name.casefold() for name in routing.aliases}
    written = [
        *(("aliases", name, target.model) for name, alias in routing.aliases.items() for target in alias.targets),
        *(("model_overrides", glob, model) for glob, model in routing.model_overrides.items()),
        *(("fallbacks", glob, model) for glob, models in routing.fallbacks.items() for model in models),
        *((section, "models", model) for _, section, models in _virtual(routing) for model in models),
    ]
    for section, key, name in written:
        if "@" in name and name.casefold() not in names:
            yield ("model_routing", section, key), name.rpartition("@")[2]
