"""A configuration as an admin may see it, every secret masked, and the way back from what an editor made of it.

    document = masked(text)                       plain data, as JSON can carry it
    ...                                           somebody changes something in it, and sends it back
    text = edited(text, [Set((), unmasked(document, text))])

A mask that stands for nothing is refused, so that none is ever stored. Comments are not looked at: nobody knows what
they hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.config.display import dotted
from relay.config.document import Node, plain
from relay.config.editing.notation import objection
from relay.config.editing.steps import replaced
from relay.config.mask_origins import masks_in, origins
from relay.config.places import line_of
from relay.config.readable import readable
from relay.config.secret_places import SecretPlace, doubtful_names, secret_places
from relay.config.syntax import events_of
from relay.errors import ConfigError, Problem

_HIDDEN_NAME = "holds a name that is not shown, since it may be a secret: correct it in the file by hand"


def masked(text: str, *, source: str = "config.yml") -> object:
    """The document without its secrets. Raises ConfigError for a text that can't be read, or not be shown."""
    root = readable(events_of(text), source).root
    refuse_doubtful_names(root, source)
    values = plain(root)
    return with_masks(values, list(secret_places(values)))


def with_masks(values: object, places: Sequence[SecretPlace]) -> object:
    """The values with masks at these places."""
    for place in places:
        values = replaced(values, place.path, place.mask)
    return values


def unmasked(document: object, text: str, *, source: str = "config.yml") -> object:
    """The document with the secrets that are stored in `text` in place of their masks. Raises ConfigError."""
    return restored(document, plain(readable(events_of(text), source).root), source=source)


def restored(document: object, values: object, *, source: str = "config.yml") -> object:
    """The same from the values that are stored. Raises ConfigError."""
    if reason := objection(document):
        raise ConfigError([Problem(source, None, "", f"this {reason}")])
    found, problems = origins(masks_in(document), document, values)
    if problems:
        raise ConfigError([Problem(source, None, dotted(path), message) for path, message in problems])
    for mask, stored in found:
        document = replaced(document, mask.path, stored.value)
    return document


def refuse_doubtful_names(root: Node, source: str) -> None:
    """Raise ConfigError where a name may be a secret."""
    for path in doubtful_names(plain(root)):  # What is below one would name it.
        raise ConfigError([Problem(source, line_of(root, path), dotted(path), _HIDDEN_NAME)])
