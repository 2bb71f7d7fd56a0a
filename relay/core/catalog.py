"""The routing catalog of a configuration, and what can be wrong with its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType

from relay.config.findings import Finding, KeyPath
from relay.config.nearest import suggestion
from relay.config.providers import ProviderConfig
from relay.config.schema import Config
from relay.core.globs import is_among
from relay.core.routing import Catalog, Place, Rules
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
        _place(provider, config.providers[name], _told(provider, lists.get(name, ()), suffixes))
        for name, provider in providers.items()
        if name != DEMO
    ]
    if DEMO in providers:
        models = demo_models if is_alone else ()
        places.append(Place(DEMO, frozenset(providers[DEMO].dialects), models, is_default=is_alone))
    routing = config.model_routing
    rules = Rules(
        aliases={name: tuple(target.model for target in alias.targets) for name, alias in routing.aliases.items()},
        provider_mapping=tuple(routing.provider_mapping.items()),
        model_overrides=tuple(routing.model_overrides.items()),
    )
    return Catalog(places, rules)


def _place(provider: Provider, given: ProviderConfig, told: Sequence[str]) -> Place:
    models = provider.models
    known = tuple(name for name in (*models.names, *told) if not is_among(name, models.exclude))
    return Place(provider.name, frozenset(provider.dialects), known, models.exclude, given.default, models.globs)


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
    aliases = config.model_routing.aliases
    targets = {
        name.casefold(): [target.model.casefold() for target in alias.targets] for name, alias in aliases.items()
    }
    for name in aliases:
        if _leads_back(targets, name.casefold()):
            yield Finding(("model_routing", "aliases", name), "this alias leads back to itself")


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
    ]
    for section, key, name in written:
        if "@" in name and name.casefold() not in names:
            yield ("model_routing", section, key), name.rpartition("@")[2]


def _leads_back(targets: Mapping[str, list[str]], name: str) -> bool:
    """Whether following aliases from `name` comes to it again."""
    met: set[str] = set()
    waiting = [name]
    while waiting:
        for following in targets.get(waiting.pop(), ()):
            if following == name:
                return True
            if following not in met:
                met.add(following)
                waiting.append(following)
    return False
