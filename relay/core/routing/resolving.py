"""From the name that a client asked for to a plan. First match ends, in this order:

    1  suffix      model@provider, unless the whole is a known name or an alias
    2  alias       repeated until none is left; several names make a group, with its strategy
    3  mapping     glob -> provider
    4  override    glob -> model, once; the new name goes through 1, 3 and 6
    5  virtual     the models of `complexity` and `cascade`, unless a provider has one of that name
    6  detection   models of the enabled providers: the exact name, the normalised one, a glob; then the default
    7  404

Behind all that come the fallbacks of the names that were met. Names are compared case-blind, a glob's `*` crosses `/`,
and the first match in file order wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from relay.core.globs import is_among
from relay.core.routing.catalog import AliasRule, Catalog, Complexity, normalise
from relay.core.routing.tree import Graded, Group, Node, Plan, Step, Strategy, nodes_of, targets_of
from relay.errors import InvalidRequest, ModelNotFound
from relay.model import MAX_MODEL_CHARACTERS, Dialect, Target

MAX_NESTING = 64
"""Of groups within groups; the configuration is refused beyond."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a name."""

    steps: tuple[Step, ...]
    outcome: Plan | InvalidRequest | ModelNotFound


def plan(catalog: Catalog, name: str, dialect: Dialect) -> Plan:
    """The targets to try; at least one, and each speaks `dialect`.

    Raises ModelNotFound where nobody has the name, InvalidRequest where nobody who has it speaks the dialect.
    """
    outcome = resolve(catalog, name, dialect).outcome
    if not isinstance(outcome, Plan):
        raise outcome
    return outcome


def resolve(catalog: Catalog, name: str, dialect: Dialect) -> Resolved:
    """The plan or the refusal, and how it came about."""
    if len(name) > MAX_MODEL_CHARACTERS:
        return Resolved((), ModelNotFound(f"The model's name is longer than {MAX_MODEL_CHARACTERS} characters."))
    resolution = _Resolution(catalog, dialect)
    root = resolution.with_fallbacks(name)
    steps = tuple(resolution.steps)
    if root is None:
        return Resolved(steps, resolution.refusal(name))
    targets = tuple(dict.fromkeys(targets_of(root)))
    limits = {target: found for target in targets if (found := catalog.capability(target, name)) and found.is_limited}
    has_choice = any(map(_chooses, nodes_of(root)))
    plan = Plan(root, resolution.hedge_percentile, has_choice, resolution.is_graded, limits, targets)
    return Resolved(steps, plan)


def _chooses(node: Node) -> bool:
    return isinstance(node, Graded) or (isinstance(node, Group) and node.strategy is not Strategy.ORDER)


class _Resolution:
    """One name on its way; what it meets is written down."""

    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self._catalog = catalog
        self._dialect = dialect
        self._nodes: dict[str, Node | None] = {}
        """What names turned out to be, case-folded; None as well for one that is on its way: a loop adds nothing."""
        self._names: list[str] = []
        """Those whose fallbacks count."""
        self._missing: list[ModelNotFound] = []
        self._silent: list[Target] = []
        """Found, but not speaking the dialect."""
        self.steps: list[Step] = []
        self.hedge_percentile: int | None = None
        self.is_graded = False

    def with_fallbacks(self, name: str) -> Node | None:
        """The node of a name, the fallbacks of all names on the way behind it; None: there is no target at all."""
        asked = self._node(name, 0)
        self.is_graded = asked is not None and any(isinstance(node, Graded) for node in nodes_of(asked))
        members = [asked, *(self._node(fallback, 1) for fallback in self._fallbacks())]
        return _group([member for member in members if member is not None])

    def refusal(self, name: str) -> InvalidRequest | ModelNotFound:
        """Why a name leads nowhere."""
        if self._silent:
            names = ", ".join(sorted({target.provider for target in self._silent}))
            message = (
                f"{name!r} is served by {names}, which does not speak the {self._dialect} dialect of this endpoint."
            )
            return InvalidRequest(message, param="model", code="dialect_not_supported")
        return self._missing[0] if self._missing else ModelNotFound(f"The alias {name!r} leads to no model.")

    def _fallbacks(self) -> Iterator[str]:
        """Of all names on the way, the one that was asked for first; each list once."""
        for glob, names in dict.fromkeys(map(self._fallback_of, dict.fromkeys(self._names))):
            if names:
                self._note("fallback", _listed(names), f"{glob!r} falls back to these")
                yield from names

    def _fallback_of(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Whoever names a provider wants no other, unless a rule speaks of just that."""
        folded = name.casefold()
        is_suffixed = self._is_suffixed(name, folded)
        found = (
            (glob, names)
            for glob, pattern, names in self._catalog.fallbacks
            if pattern.match(folded) and (not is_suffixed or "@" in glob)
        )
        return next(found, ("", ()))

    def _node(self, name: str, depth: int) -> Node | None:
        """What a name stands for, looked for once; None: it leads nowhere, which has been written down."""
        folded = name.casefold()
        if folded not in self._nodes:
            self._nodes[folded] = None
            self._nodes[folded] = self._found(name, folded, depth)
        return self._nodes[folded]

    def _found(self, name: str, folded: str, depth: int) -> Node | None:
        """A chain of aliases may be long: it is followed without nesting."""
        chain = {folded}
        while (alias := self._catalog.aliases.get(folded)) is not None:
            self._names.append(name)
            self._note("alias", _listed(alias.targets), f"{name!r} stands for {_how(alias)}")
            if depth == 0:  # Aliases within it have not asked for what it costs.
                self.hedge_percentile = self.hedge_percentile or alias.hedge_percentile
            if len({target.casefold() for target in alias.targets}) > 1:
                return self._alias(alias, depth) if depth <= MAX_NESTING else None
            name = alias.targets[0]
            folded = name.casefold()
            if folded in chain or folded in self._nodes:
                return self._nodes.get(folded)
            chain.add(folded)
        self._names.append(name)
        return self._one(name, folded, depth)

    def _alias(self, alias: AliasRule, depth: int) -> Node | None:
        """An alias with one good target left still works."""
        weights = alias.weights or (1,) * len(alias.targets)
        members = [(self._node(name, depth + 1), weight) for name, weight in zip(alias.targets, weights, strict=True)]
        found = [(node, weight) for node, weight in members if node is not None]
        if len(found) < 2:
            return found[0][0] if found else None
        return Group(tuple(node for node, _ in found), alias.strategy, tuple(weight for _, weight in found))

    def _one(self, name: str, folded: str, depth: int) -> Node | None:
        """The targets of a name that is no alias."""
        if (found := self._suffixed_or_mapped(name, folded)) is not None:
            return self._speaking(found)
        override = next(((glob, new) for glob, pattern, new in self._catalog.overrides if pattern.match(folded)), None)
        if override is not None:
            self._note("override", override[1], f"{override[0]!r} takes the place of {name!r}")
            new = override[1]
            self._names.append(new)
            found = self._suffixed_or_mapped(new, new.casefold())
            return self._speaking(found if found is not None else self._detected(new))
        if folded not in self._catalog.exact:
            virtual = self._virtual(name, folded, depth)
            if virtual is not None:
                return virtual
        return self._speaking(self._detected(name))

    def _is_suffixed(self, name: str, folded: str) -> bool:
        return "@" in name and folded not in self._catalog.exact and folded not in self._catalog.aliases

    def _suffixed_or_mapped(self, name: str, folded: str) -> list[Target] | None:
        """None: neither a suffix nor a mapping says where it goes."""
        if "@" in name and folded not in self._catalog.exact:
            return self._named(name)
        mapping = next(((glob, to) for glob, pattern, to in self._catalog.mapping if pattern.match(folded)), None)
        if mapping is None:
            return None
        provider = self._catalog.places[mapping[1]].name
        self._note("mapping", provider, f"{mapping[0]!r} sends {name!r} there")
        return [Target(provider, name)]

    def _named(self, name: str) -> list[Target]:
        model, _, provider = name.rpartition("@")
        place = self._catalog.places.get(provider.casefold())
        if place is None or not model:
            why = f"no provider is called {provider!r}" if place is None else "it names a provider and no model"
            self._missing.append(ModelNotFound(f"There is no model {name!r}: {why}."))
            self._note("suffix", "", f"{name!r}: {why}")
            return []
        self._note("suffix", place.name, f"{name!r} names its provider")
        return [Target(place.name, model)]

    def _virtual(self, name: str, folded: str, depth: int) -> Node | None:
        """None: it is no virtual model."""
        cascade, complexity = self._catalog.cascade, self._catalog.complexity
        if complexity is not None and complexity.model.casefold() == folded:
            self._note(
                "complexity", _listed(complexity.names), f"{name!r} is one of these, by how hard the prompt looks"
            )
            return self._graded(complexity, depth + 1)
        if cascade is not None and cascade.model.casefold() == folded:
            self._note("cascade", _listed(cascade.models), f"{name!r} tries these, one after the other")
            return _group([node for model in cascade.models if (node := self._node(model, depth + 1)) is not None])
        return None

    def _graded(self, rule: Complexity, depth: int) -> Node | None:
        nodes = [self._node(name, depth) if name else None for name in (rule.simple, rule.moderate, rule.complex)]
        return None if nodes == [None] * 3 else Graded(*nodes)

    def _detected(self, name: str) -> list[Target]:
        """The first stage that knows the name at a provider that speaks the dialect, else the first that knows it."""
        first_known: list[Target] = []
        why = ""
        for how, stage in _stages(self._catalog, name):
            if any(self._catalog.speaks(target, self._dialect) for target in stage):
                self._note(how, _listed([target.provider for target in stage]), f"{name!r} {_KNOWN[how]}")
                return stage  # Later stages are not even looked at: globs cost more than names.
            first_known, why = first_known or stage, why or how
        if first_known:
            self._note(why, _listed([target.provider for target in first_known]), f"{name!r} {_KNOWN[why]}")
        else:
            self._missing.append(ModelNotFound(f"There is no model {name!r}.{_nearest(self._catalog, name)}"))
            self._note("detection", "", f"nobody knows {name!r}")
        return first_known

    def _speaking(self, targets: Sequence[Target]) -> Node | None:
        spoken = [target for target in targets if self._catalog.speaks(target, self._dialect)]
        for target in targets:
            if target not in spoken:
                self._silent.append(target)
                self._note("passed over", target.provider, f"it does not speak the {self._dialect} dialect")
        return _group(spoken)

    def _note(self, step: str, result: str, reason: str) -> None:
        self.steps.append(Step(step, result, reason))


_KNOWN = {
    "detection": "is a known model there",
    "default": "is known to nobody, and this is the default provider",
}


def _stages(catalog: Catalog, name: str) -> Iterator[tuple[str, list[Target]]]:
    folded = name.casefold()
    yield "detection", catalog.exact.get(folded, [])
    yield "detection", catalog.normalised.get(normalise(name), [])
    yield "detection", _matching(catalog, name, folded)
    if catalog.default is not None and not is_among(name, catalog.default.exclude):
        yield "default", [Target(catalog.default.name, name)]


def _matching(catalog: Catalog, name: str, folded: str) -> list[Target]:
    """The targets of the providers that list a glob of the name, each once."""
    places = dict.fromkeys(place for glob, place in catalog.globs if glob.match(folded))
    return [Target(place.name, name) for place in places if not is_among(name, place.exclude)]


def _nearest(catalog: Catalog, name: str) -> str:
    near = [catalog.spelling(known) for known in get_close_matches(name.casefold(), catalog.alike(name), n=3)]
    return f" The nearest names are: {', '.join(near)}." if near else ""


def _group(members: Sequence[Node]) -> Node | None:
    """One member stands for itself; none is None."""
    if len(members) > 1:
        return Group(tuple(members))
    return members[0] if members else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _how(alias: AliasRule) -> str:
    return f"these (strategy {alias.strategy})" if len(alias.targets) > 1 else "this"
