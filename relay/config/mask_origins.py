"""Which stored secret a mask stands for that an editor sends back: the one at its place, or where its entry was before.

In a list (the keys of a provider, access keys) entries move: the secret with that mask is meant, and where several have
the same, that of the same label. A provider that is renamed takes its secrets along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from relay.config.findings import Finding
from relay.config.mask import is_mask
from relay.config.secret_places import SecretPlace, secret_places

_UNKNOWN = "is a mask, and no secret that is stored here is shown like that: write the secret itself"
_SEVERAL = "is a mask of several secrets that are stored here: name the label of the one, or write the secret itself"


class Origin(NamedTuple):
    """A mask and what it stands for."""

    mask: SecretPlace
    stored: SecretPlace


def masks_in(document: object) -> list[SecretPlace]:
    """Where a document has masks in place of secrets."""
    return [place for place in secret_places(document) if isinstance(place.value, str) and is_mask(place.value)]


def origins(masks: Sequence[SecretPlace], document: object, stored: object) -> tuple[list[Origin], list[Finding]]:
    """What masks of a document stand for, and those of which that can't be said."""
    known: dict[object, list[SecretPlace]] = defaultdict(list)
    for place in secret_places(stored):
        known[place.group, place.mask].append(place)
    before = _before(masks, document, stored)
    peers: dict[object, list[SecretPlace]] = defaultdict(list)
    for place in before:
        peers[place.group, place.value].append(place)
    found: list[Origin] = []
    problems: list[Finding] = []
    for mask, place in zip(masks, before, strict=True):
        which = (place.group, place.value)
        candidates = _candidates(place, known[which], peers[which])
        if len(candidates) == 1:
            found.append(Origin(mask, candidates[0]))
        else:
            problems.append(Finding(mask.path, _SEVERAL if candidates else _UNKNOWN))
    return found, problems


def _candidates(
    place: SecretPlace, alike: Sequence[SecretPlace], peers: Sequence[SecretPlace]
) -> Sequence[SecretPlace]:
    """Of the stored secrets with one mask, those that it may stand for; `peers` are all places where it was sent."""
    labelled = [other for other in alike if other.label == place.label and place.label is not None]
    if len(alike) < 2 or labelled:
        return labelled or alike
    # As many as before: none was taken out, and they are taken to be in the same order.
    return [alike[peers.index(place)]] if len(alike) == len(peers) else alike


def _before(masks: Sequence[SecretPlace], document: object, stored: object) -> list[SecretPlace]:
    """The places as the stored document names them: where one provider is gone and one is new, it was renamed."""
    new, old = _providers(document), _providers(stored)
    added, gone = [name for name in new if name not in old], [name for name in old if name not in new]
    if len(added) != 1 or len(gone) != 1:
        return list(masks)
    now, then = ("providers", added[0]), ("providers", gone[0])
    return [
        replace(place, path=(*then, *place.path[2:]), group=(*then, *place.group[2:]))
        if place.path[:2] == now
        else place
        for place in masks
    ]


def _providers(document: object) -> Mapping[str, object]:
    providers = document.get("providers") if isinstance(document, dict) else None
    return providers if isinstance(providers, dict) else {}
