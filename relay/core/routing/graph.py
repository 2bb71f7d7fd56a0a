"""Names that stand for names: whether following them ever ends, and how far it goes. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def leads_back(targets: Mapping[str, list[str]], name: str) -> bool:
    """Whether following names from this one comes to it again."""
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


def nesting(targets: Mapping[str, list[str]]) -> dict[str, int]:
    """How many names that stand for several are met one within another, at most; nothing may lead back to itself."""
    deepest: dict[str, int] = {}
    for name in targets:
        waiting = [name]
        while waiting:
            following = targets.get(waiting[-1], [])
            unknown = [target for target in following if target not in deepest and target in targets]
            if unknown:
                waiting += unknown
            else:
                known = waiting.pop()
                below = max((deepest.get(target, 0) for target in following), default=0)
                deepest[known] = below + (len(set(following)) > 1)
    return deepest
