"""Changes of providers and their keys, as functions from the file's old text to its new one. Pure.

What a client sends back masked stands for what is stored; `null` in a change takes an option away (RFC 7396).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from relay.config.edit import Append, Change, Delete, Insert, Rename, Reorder, Set, edited
from relay.config.key_import import KeyImport, imported
from relay.config.masking import restored
from relay.core.configuring.shown import Shown
from relay.errors import Conflict, NoSuch

Make: TypeAlias = Callable[[Shown], str]
Json: TypeAlias = Mapping[str, Any]
_POSITIONAL = re.compile("key-[0-9]+")


def add(name: str, options: Json, position: int | None) -> Make:
    """A new provider, last unless a position is given. Raises Conflict."""

    def make(shown: Shown) -> str:
        providers = providers_of(shown.document)
        if name in providers:
            raise Conflict(f"There is a provider {name!r} already.", param="name", code="taken")
        path, value = ("providers", name), dict(options)
        last = len(providers)
        change: Change = Set(path, value) if position is None else Insert(path, value, min(position, last))
        return edited(shown.saved.text, [change])

    return make


def change(name: str, patch: Json, new_name: str | None) -> Make:
    """Options of a provider, and its name, in place. Raises NoSuch, Conflict."""

    def make(shown: Shown) -> str:
        options = provider_of(shown.document, name)
        if new_name in (None, name):
            return edited(shown.saved.text, [_set(shown, name, merged(options, patch))])
        if new_name in providers_of(shown.document):
            raise Conflict(f"There is a provider {new_name!r} already.", param="name", code="taken")
        changes: list[Change] = [_set(shown, name, merged(options, patch)), Rename(("providers", name), new_name)]
        return edited(shown.saved.text, changes)

    return make


def delete(name: str) -> Make:
    """Raises NoSuch."""

    def make(shown: Shown) -> str:
        provider_of(shown.document, name)
        return edited(shown.saved.text, [Delete(("providers", name))])

    return make


def reorder(names: Sequence[str]) -> Make:
    """All providers in another order, which is that of detection. Raises Conflict where it is not all of them."""

    def make(shown: Shown) -> str:
        known = providers_of(shown.document)
        if sorted(names) != sorted(known):
            raise Conflict(f"'names' must be all of these, each once: {', '.join(known)}.", param="names")
        return edited(shown.saved.text, [Reorder(("providers",), tuple(names))])

    return make


def add_keys(name: str, keys: Sequence[Json]) -> Make:
    """Further keys of a provider. Raises NoSuch, Conflict for a label that is taken."""

    def make(shown: Shown) -> str:
        taken = [key.get("label") for key in keys_of(shown.document, name)]
        for key in keys:
            if (label := key.get("label")) and label in taken:
                raise Conflict(f"Provider {name!r} has a key {label!r} already.", param="label", code="taken")
        return edited(shown.saved.text, [Append(("providers", name, "keys"), [dict(key) for key in keys])])

    return make


def import_keys(name: str, lines: str) -> Make:
    """Keys from lines, JSON or CSV; what is there already is left out. Raises NoSuch, ConfigError."""

    def make(shown: Shown) -> str:
        found = found_keys(shown, name, lines).keys
        if not found:
            return shown.saved.text
        return edited(shown.saved.text, [Append(("providers", name, "keys"), list(found))])

    return make


def found_keys(shown: Shown, name: str, lines: str) -> KeyImport:
    """What a text adds to the keys of a provider. Raises NoSuch, ConfigError."""
    stored = keys_of(shown.values, name)
    return imported(
        lines,
        known_keys=[str(key.get("key", "")) for key in stored],
        known_labels=[label_of(key, place) for place, key in enumerate(stored)],
    )


def change_key(name: str, label: str, patch: Json) -> Make:
    """Options of one key. Raises NoSuch."""

    def make(shown: Shown) -> str:
        known = keys_of(shown.document, name)
        place = place_of(known, name, label)
        keys = [merged(key, patch) if at == place else key for at, key in enumerate(known)]
        options = {**provider_of(shown.document, name), "keys": keys}
        return edited(shown.saved.text, [_set(shown, name, options)])

    return make


def delete_key(name: str, label: str) -> Make:
    """Raises NoSuch."""

    def make(shown: Shown) -> str:
        place = place_of(keys_of(shown.document, name), name, label)
        return edited(shown.saved.text, [Delete(("providers", name, "keys", place))])

    return make


def providers_of(document: object) -> dict[str, Any]:
    """Those of a document, in order; what is no mapping holds none."""
    found = document.get("providers") if isinstance(document, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def provider_of(document: object, name: str) -> dict[str, Any]:
    """The options of one. Raises NoSuch."""
    providers = providers_of(document)
    if name not in providers:
        raise NoSuch("provider", name)
    found = providers[name]
    return dict(found) if isinstance(found, Mapping) else {}


def keys_of(document: object, name: str) -> list[dict[str, Any]]:
    """The keys of a provider, as the file has them. Raises NoSuch for the provider."""
    found = provider_of(document, name).get("keys")
    return [dict(key) for key in found if isinstance(key, Mapping)] if isinstance(found, list) else []


def place_of(keys: Sequence[Json], name: str, label: str) -> int:
    """Where a key stands. Raises NoSuch."""
    for place, key in enumerate(keys):
        if label_of(key, place) == label:
            return place
    raise NoSuch(f"key of provider {name}", label)


def is_positional(label: str) -> bool:
    """Whether a key may be called so by its place, which changes when another key goes."""
    return _POSITIONAL.fullmatch(label) is not None


def label_of(key: Json, place: int) -> str:
    """As the configuration calls it: its own label, else one by its place, from 0."""
    return str(key.get("label") or f"key-{place + 1}")


def merged(old: Json, patch: Json) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396)."""
    result = dict(old)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def _set(shown: Shown, name: str, options: Json) -> Set:
    """Other options of a provider, in which masks stand for what is stored."""
    whole = dict(shown.document) if isinstance(shown.document, Mapping) else {}
    whole["providers"] = {**providers_of(whole), name: options}
    return Set(("providers", name), provider_of(restored(whole, shown.values), name))
