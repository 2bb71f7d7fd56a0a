"""From the name that a client asked for to the targets that may serve it. Pure: a catalog in, targets out.

First match ends, in this order:

    1  suffix      model@provider, unless the whole is a known name or an alias
    2  alias       repeated until none is left; several names give several targets, in order
    3  mapping     glob -> provider
    4  override    glob -> model, once; the new name goes through 1, 3 and 5
    5  detection   models of the enabled providers: the exact name, the normalised one, a glob; then the default
    6  404

Names are compared case-blind, a glob's `*` crosses `/`, and the first match in file order wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from relay.core.globs import compiled, is_among
from relay.errors import InvalidRequest, ModelNotFound
from relay.model import Dialect, Target

MAX_NAME_CHARACTERS = 256
MAX_COMPARED_NAMES = 500
"""Among which the nearest ones to an unknown name are looked for: comparing costs far more than finding."""


@dataclass(frozen=True, slots=True)
class Place:
    """What routing knows of one enabled provider."""

    name: str
    dialects: frozenset[Dialect]
    models: tuple[str, ...] = ()
    """Its known models, as they are named there, without those that `exclude` names."""
    exclude: tuple[str, ...] = ()
    """Globs of names that it is never asked for by a glob or as the default provider."""
    is_default: bool = False
    """Takes names that nobody knows."""
    globs: tuple[str, ...] = ()
    """Globs of further names that it serves."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the configuration that turn names into others."""

    aliases: Mapping[str, tuple[str, ...]]
    provider_mapping: tuple[tuple[str, str], ...] = ()
    model_overrides: tuple[tuple[str, str], ...] = ()


class Catalog:
    """Providers and rules of one configuration, indexed once, so that a look-up costs the same with many models."""

    def __init__(self, places: Sequence[Place], rules: Rules) -> None:
        self.places = {place.name.casefold(): place for place in places}
        self.aliases = {name.casefold(): targets for name, targets in rules.aliases.items()}
        self.alias_names = tuple(rules.aliases)
        self.mapping = [
            (compiled(glob), provider.casefold())
            for glob, provider in rules.provider_mapping
            if provider.casefold() in self.places
        ]
        self.overrides = [(compiled(glob), model) for glob, model in rules.model_overrides]
        self.default = next((place for place in places if place.is_default), None)
        self.exact = _index(places, str.casefold)
        self.normalised = _index(places, normalise)
        self.globs = [(compiled(glob), place) for place in places for glob in place.globs]

    def written_names(self) -> list[str]:
        """What its rules turn names into, some with `@provider`: what providers are asked for, known or not."""
        of_aliases = (name for names in self.aliases.values() for name in names)
        return [*of_aliases, *(model for _, model in self.overrides)]

    def names(self) -> list[str]:
        """All names that a client may ask for, in the order of the file, aliases last; the first spelling of each."""
        models = [model for place in self.places.values() for model in place.models]
        spellings: dict[str, str] = {}
        for name in (*models, *self.alias_names):
            spellings.setdefault(name.casefold(), name)
        return list(spellings.values())


def plan(catalog: Catalog, name: str, dialect: Dialect) -> tuple[Target, ...]:
    """The targets to try, in order; at least one, and each speaks `dialect`.

    Raises ModelNotFound where nobody has the name, InvalidRequest where nobody who has it speaks the dialect.
    """
    if len(name) > MAX_NAME_CHARACTERS:
        raise ModelNotFound(f"The model's name is longer than {MAX_NAME_CHARACTERS} characters.")
    found = list(dict.fromkeys(_resolve(catalog, name, dialect)))
    speaking = tuple(target for target in found if _speaks(catalog, target, dialect))
    if not speaking:
        names = ", ".join(sorted({target.provider for target in found}))
        message = f"{name!r} is served by {names}, which does not speak the {dialect} dialect of this endpoint."
        raise InvalidRequest(message, param="model", code="dialect_not_supported")
    return speaking


def _resolve(catalog: Catalog, name: str, dialect: Dialect) -> list[Target]:
    """The targets of all names that it stands for; an alias with one good target left still works."""
    found: list[Target] = []
    missing: list[ModelNotFound] = []
    for meant in _unaliased(catalog, name):
        try:
            found += _resolve_one(catalog, meant, dialect)
        except ModelNotFound as error:
            missing.append(error)
    if not found:
        raise missing[0] if missing else ModelNotFound(f"The alias {name!r} leads to no model.")
    return found


def _unaliased(catalog: Catalog, name: str) -> list[str]:
    """The names that an alias stands for in the end, in order; an alias that is met again adds nothing."""
    found: list[str] = []
    met: set[str] = set()
    waiting = [name]
    while waiting:
        following = waiting.pop()
        folded = following.casefold()
        if folded not in catalog.aliases:
            found.append(following)
        elif folded not in met:
            met.add(folded)
            waiting.extend(reversed(catalog.aliases[folded]))
    return found


def _resolve_one(catalog: Catalog, name: str, dialect: Dialect) -> list[Target]:
    """The targets of a name that is no alias."""
    folded = name.casefold()
    if "@" in name and folded not in catalog.exact:
        return [_named_target(catalog, name)]
    mapped = _mapped(catalog, name, folded)
    if mapped is not None:
        return [mapped]
    overridden = next((model for glob, model in catalog.overrides if glob.match(folded)), None)
    return _resolve_overridden(catalog, overridden, dialect) if overridden else _detected(catalog, name, dialect)


def _resolve_overridden(catalog: Catalog, name: str, dialect: Dialect) -> list[Target]:
    folded = name.casefold()
    if "@" in name and folded not in catalog.exact:
        return [_named_target(catalog, name)]
    mapped = _mapped(catalog, name, folded)
    return [mapped] if mapped is not None else _detected(catalog, name, dialect)


def _named_target(catalog: Catalog, name: str) -> Target:
    model, _, provider = name.rpartition("@")
    place = catalog.places.get(provider.casefold())
    if place is None:
        raise ModelNotFound(f"There is no model {name!r}: no provider is called {provider!r}.")
    if not model:
        raise ModelNotFound(f"There is no model {name!r}: it names a provider and no model.")
    return Target(place.name, model)


def _mapped(catalog: Catalog, name: str, folded: str) -> Target | None:
    provider = next((provider for glob, provider in catalog.mapping if glob.match(folded)), None)
    return None if provider is None else Target(catalog.places[provider].name, name)


def _detected(catalog: Catalog, name: str, dialect: Dialect) -> list[Target]:
    """The first stage that knows the name at a provider that speaks the dialect, else the first that knows it."""
    folded = name.casefold()
    first_known: list[Target] = []
    for stage in _stages(catalog, name, folded):
        if any(_speaks(catalog, target, dialect) for target in stage):
            return stage  # Later stages are not even looked at: globs cost more than names.
        first_known = first_known or stage
    if not first_known:
        raise ModelNotFound(f"There is no model {name!r}.{_nearest(catalog, folded)}")
    return first_known


def _stages(catalog: Catalog, name: str, folded: str) -> Iterator[list[Target]]:
    yield catalog.exact.get(folded, [])
    yield catalog.normalised.get(normalise(name), [])
    yield _matching(catalog, name, folded)
    if catalog.default is not None and not is_among(name, catalog.default.exclude):
        yield [Target(catalog.default.name, name)]


def _speaks(catalog: Catalog, target: Target, dialect: Dialect) -> bool:
    return dialect in catalog.places[target.provider.casefold()].dialects


def _matching(catalog: Catalog, name: str, folded: str) -> list[Target]:
    """The targets of the providers that list a glob of the name, each once."""
    places = dict.fromkeys(place for glob, place in catalog.globs if glob.match(folded))
    return [Target(place.name, name) for place in places if not is_among(name, place.exclude)]


def _nearest(catalog: Catalog, folded: str) -> str:
    known = {name.casefold(): name for name in islice(catalog.names(), MAX_COMPARED_NAMES)}
    near = [known[match] for match in get_close_matches(folded, known, n=3)]
    return f" The nearest names are: {', '.join(near)}." if near else ""


def normalise(name: str) -> str:
    """A name without its case and with `_` for `-`."""
    return name.casefold().replace("-", "_")


def _index(places: Iterable[Place], form: Callable[[str], str]) -> dict[str, list[Target]]:
    index: dict[str, list[Target]] = {}
    for place in places:
        for model in place.models:
            index.setdefault(form(model), []).append(Target(place.name, model))
    return index
