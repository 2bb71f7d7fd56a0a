"""The routing catalog of a configuration, and what can be wrong with its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from relay.config.findings import Finding
from relay.config.nearest import suggestion
from relay.config.schema import Config
from relay.core.routing import Catalog, Place, Rules, is_excluded
from relay.upstream.providers import DEMO, Provider

_GLOB_SIGNS = frozenset("*?[")


def catalog_of(config: Config, providers: Mapping[str, Provider], demo_models: tuple[str, ...]) -> Catalog:
    """Index a configuration. The demo provider takes every name while it is the only one, and none otherwise."""
    is_alone = set(providers) == {DEMO}
    places = [_place(config, provider) for name, provider in providers.items() if name != DEMO]
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


def _place(config: Config, provider: Provider) -> Place:
    given = config.providers[provider.name]
    exclude = given.models.exclude
    models = tuple(
        name for name in given.models.include if not _GLOB_SIGNS & set(name) and not is_excluded(name, exclude)
    )
    return Place(provider.name, frozenset(provider.dialects), models, exclude, given.default)


def check(config: Config) -> Iterator[Finding]:
    """Rules that lead nowhere: aliases in a loop, mappings to providers that don't exist."""
    known = {name.casefold(): name for name in (*config.providers, DEMO)}
    for glob, provider in config.model_routing.provider_mapping.items():
        if provider.casefold() not in known:
            hint = suggestion(provider, known.values())
            yield Finding(("model_routing", "provider_mapping", glob), f"there is no provider {provider!r}{hint}")
    aliases = config.model_routing.aliases
    targets = {
        name.casefold(): [target.model.casefold() for target in alias.targets] for name, alias in aliases.items()
    }
    for name in aliases:
        if _leads_back(targets, name.casefold()):
            yield Finding(("model_routing", "aliases", name), "this alias leads back to itself")


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
