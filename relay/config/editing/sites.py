"""Where in a text a step is made, which is not always where its path says: values may be written elsewhere.

a: &x {k: 1}
b: *x             a step at ("b", "k") writes b out: b: {k: 2}
c: {<<: *x}       one at ("c", "k") writes c an entry of its own: c: {<<: *x, k: 2}
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.config.editing.layout import Kind, Member, Place
from relay.config.editing.steps import (
    Delete,
    Impossible,
    InsertEntries,
    InsertItems,
    Put,
    Rename,
    Reorder,
    Step,
    entries_at,
    value_at,
)
from relay.config.findings import KeyPath


@dataclass(frozen=True, slots=True)
class Site:
    """Where a step is made: the members that lead to its path, each written in the one before."""

    text: str
    root: Place
    members: tuple[Member, ...]

    @property
    def place(self) -> Place:
        """That of the path."""
        return self.members[-1].place if self.members else self.root

    @property
    def holder(self) -> Site:
        """The collection in which the last member stands."""
        return Site(self.text, self.root, self.members[:-1])

    @property
    def position(self) -> int:
        """Of the last member in it."""
        return self.holder.place.members.index(self.members[-1])


def sited(text: str, root: Place, step: Step, wanted: object) -> tuple[Site, Step]:
    """Where to make a step, and what to do there so that the values are those wanted. Raises Impossible."""
    site = Site(text, root, written(root, step.path))
    path, rest = step.path[: len(site.members)], step.path[len(site.members) :]
    if site.place.kind is Kind.ALIAS and (rest or isinstance(step, InsertEntries | InsertItems | Reorder)):
        step = Put(path, value_at(wanted, path))
    elif rest:
        step = _taken_over(site, step, wanted)
    elif site.place.has_merge and isinstance(step, InsertEntries | Reorder):
        step = _among_others(site, step, wanted)
    if not _is_simple(site, step):
        raise Impossible(step.path, "is written with a '?', which can't be changed here: edit the file by hand")
    return site, step


def written(root: Place, path: KeyPath) -> tuple[Member, ...]:
    """The members that lead to a path, as far as each is written in the one before."""
    members: list[Member] = []
    place = root
    for part in path:
        member = next((member for member in place.members if member.name == part), None)
        if member is None:
            break
        members.append(member)
        place = member.place
    return tuple(members)


def _taken_over(site: Site, step: Step, wanted: object) -> InsertEntries:
    """An entry of its own for a mapping that has it from another one."""
    depth = len(site.members)
    name, path = str(step.path[depth]), step.path[: depth + 1]
    if len(path) == len(step.path) and isinstance(step, Delete | Rename):
        raise Impossible(step.path, "comes from another mapping, by '<<': change it there")
    return InsertEntries(path[:-1], ((name, value_at(wanted, path)),), len(site.place.members))


def _among_others(site: Site, step: InsertEntries | Reorder, wanted: object) -> InsertEntries:
    """Entries that are taken over come before all others, so that new ones can only be last."""
    if isinstance(step, Reorder) or step.position + len(step.entries) < len(entries_at(wanted, step.path)):
        raise Impossible(
            step.path, "has entries of another mapping, by '<<', and so no order of its own: edit the file by hand"
        )
    return InsertEntries(step.path, step.entries, len(site.place.members))


def _is_simple(site: Site, step: Step) -> bool:
    """Whether a step has to do with members only that are written without a '?'."""
    concerned = site.place.members if isinstance(step, InsertEntries | Reorder) else site.members[-1:]
    return not any(member.is_explicit for member in concerned)
