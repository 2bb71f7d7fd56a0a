"""Providers and rules of one configuration, indexed once, so that a look-up costs the same with many models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import islice, pairwise
from types import MappingProxyType

from relay.core.globs import compiled, is_among
from relay.core.routing.needs import Capability
from relay.core.routing.tree import Strategy
from relay.model import Dialect, Target


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
    capabilities: Mapping[str, Capability] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """What is known of its models, by case-folded name."""


@dataclass(frozen=True, slots=True)
class AliasRule:
    """A name of one's own, and the names that it stands for."""

    targets: tuple[str, ...]
    strategy: Strategy = Strategy.ORDER
    weights: tuple[int, ...] = ()
    """One for each target; empty: all alike."""
    hedge_percentile: int | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """A virtual model: the next one is tried when one fails."""

    model: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Complexity:
    """A virtual model: one of three names, by how hard the prompt looks; empty: none of that kind."""

    model: str
    simple: str = ""
    moderate: str = ""
    complex: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(name for name in (self.simple, self.moderate, self.complex) if name)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the configuration that turn names into others."""

    aliases: Mapping[str, AliasRule]
    provider_mapping: tuple[tuple[str, str], ...] = ()
    model_overrides: tuple[tuple[str, str], ...] = ()
    fallbacks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Glob of a name -> the names to go to when it fails."""
    cascade: Cascade | None = None
    complexity: Complexity | None = None
    toolless: tuple[str, ...] = ()
    """Globs of models to which no request with tools goes."""


MAX_COMPARED_NAMES = 500
"""That are looked at for names like an unknown one."""
MAX_ALIKE = 12
"""Of which so many are compared letter by letter."""


class Catalog:
    """See the module."""

    def __init__(self, places: Sequence[Place], rules: Rules) -> None:
        self.places = {place.name.casefold(): place for place in places}
        self.aliases = {name.casefold(): rule for name, rule in rules.aliases.items()}
        self.cascade, self.complexity, self._toolless = rules.cascade, rules.complexity, rules.toolless
        self._virtual = tuple(rule.model for rule in (rules.complexity, rules.cascade) if rule is not None)
        self._alias_names = tuple(rules.aliases)
        self.mapping = [
            (glob, compiled(glob), provider.casefold())
            for glob, provider in rules.provider_mapping
            if provider.casefold() in self.places
        ]
        self.overrides = [(glob, compiled(glob), model) for glob, model in rules.model_overrides]
        self.fallbacks = [(glob, compiled(glob), names) for glob, names in rules.fallbacks]
        self.default = next((place for place in places if place.is_default), None)
        self.exact = _index(places, str.casefold)
        self.normalised = _index(places, normalise)
        self.globs = [(compiled(glob), place) for place in places for glob in place.globs]
        self._spellings = self._first_spellings()
        self._pairs = [(name, _pairs(name)) for name in islice(self._spellings, MAX_COMPARED_NAMES)]

    def written_names(self) -> list[str]:
        """What its rules turn names into, some with `@provider`: what providers are asked for, known or not."""
        return [
            *(name for rule in self.aliases.values() for name in rule.targets),
            *(model for _, _, model in self.overrides),
            *(name for _, _, names in self.fallbacks for name in names),
            *(self.cascade.models if self.cascade is not None else ()),
            *(self.complexity.names if self.complexity is not None else ()),
        ]

    def names(self) -> list[str]:
        """All names that a client may ask for, in the order of the file, aliases and virtual models last; the first
        spelling of each."""
        return list(self._spellings.values())

    def _first_spellings(self) -> dict[str, str]:
        """By the case-folded name."""
        models = [model for place in self.places.values() for model in place.models]
        spellings: dict[str, str] = {}
        for name in (*models, *self._alias_names, *self._virtual):
            spellings.setdefault(name.casefold(), name)
        return spellings

    def spelling(self, folded: str) -> str:
        """A known name as it is written."""
        return self._spellings[folded]

    def alike(self, name: str) -> list[str]:
        """A few known names, case-folded, that share most with an unknown one: comparing well costs far more."""
        pairs = _pairs(name.casefold())
        shared = [(len(pairs & others), known) for known, others in self._pairs]
        return [known for count, known in nlargest(MAX_ALIKE, shared) if count]

    def speaks(self, target: Target, dialect: Dialect) -> bool:
        """Whether the target's provider speaks it."""
        return dialect in self.places[target.provider.casefold()].dialects

    def capability(self, target: Target, asked: str) -> Capability | None:
        """What is known of the target's model, for a call that asked for a name; None: nothing."""
        known = self.places[target.provider.casefold()].capabilities.get(target.model.casefold())
        names = (asked, target.model, f"{target.model}@{target.provider}")
        if any(is_among(name, self._toolless) for name in names):
            return replace(known or Capability(), takes_tools=False)
        return known


def _pairs(name: str) -> frozenset[str]:
    """The pairs of neighbouring letters."""
    return frozenset(map("".join, pairwise(name)))


def normalise(name: str) -> str:
    """A name without its case and with `_` for `-`."""
    return name.casefold().replace("-", "_")


def _index(places: Iterable[Place], form: Callable[[str], str]) -> dict[str, list[Target]]:
    index: dict[str, list[Target]] = {}
    for place in places:
        for model in place.models:
            index.setdefault(form(model), []).append(Target(place.name, model))
    return index
