"""Where a document holds secrets, known from the schema and not guessed from names.

What the schema does not know (a mistyped option) may be one, and so may a text that stands where the schema has a list
or a mapping with secrets in it: `keys: sk-...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, get_args, get_origin

from pydantic import SecretStr

from relay.config.display import ends_early
from relay.config.findings import KeyPath
from relay.config.mask import is_reference, mask
from relay.config.options import bare, is_section, option_names
from relay.config.schema import Config
from relay.config.wording import LIKE_AN_OPTION

_UNKNOWN = None
"""In place of an annotation: the schema has none."""
_MAPPING = get_origin(Mapping[str, str])


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """A value that is a secret, or may be one."""

    path: KeyPath
    group: KeyPath
    """The list that it stands in, or its own path: `access_key: k` and `access_key: [{name, key}]` are one group."""
    label: object
    """What its item of the list is called; None where it has no name, or there is no list."""
    value: object = field(repr=False)

    @property
    def mask(self) -> str:
        """How it is shown."""
        below = self.path[len(self.group) :]
        return mask(str(self.value), next((part for part in below if isinstance(part, int)), None))


def secret_places(document: object) -> Iterator[SecretPlace]:
    """All of them, in the order of the document; what is empty, or only names a variable or a file, is none."""
    for at, value in _visited(document, _At(Config, ())):
        if _is_text(value) and (at.annotation is _UNKNOWN or _holds_secrets(at.annotation)):
            yield SecretPlace(at.path, at.group or at.path, at.label, value)


def doubtful_names(document: object) -> Iterator[KeyPath]:
    """The paths of mappings with a name that may be a secret: `{access_key, sk-...}` and `{Authorization:sk-...}`."""
    return (at.path[:-1] for at, value in _visited(document, _At(Config, ())) if _is_doubtful(at, value))


class _At(NamedTuple):
    """Where the walk is."""

    annotation: object
    path: KeyPath
    group: KeyPath | None = None
    label: object = None
    is_option: bool = True
    """Whether the last name of the path is one of the schema's."""

    def below(self, holder: object, part: str | int, value: object) -> _At:
        """A step into a mapping or list."""
        annotation, is_option = _annotation_below(self.annotation, holder, part)
        at = _At(annotation, (*self.path, part), self.group, self.label, is_option)
        if not isinstance(holder, list):
            return at
        label = value.get("label", value.get("name")) if isinstance(value, dict) else None
        return at._replace(group=self.group or self.path, label=label)


def _visited(value: object, at: _At) -> Iterator[tuple[_At, object]]:
    """Every value, whole ones before their parts."""
    yield at, value
    if isinstance(value, dict | list):
        for part, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _visited(below, at.below(value, part, below))


def _annotation_below(annotation: object, holder: object, part: str | int) -> tuple[object, bool]:
    """What the schema has for a part of a value; nothing is known where it may hold secrets and is of another kind."""
    if is_section(annotation) and isinstance(holder, dict):
        option = annotation.model_fields.get(option_names(annotation).get(str(part), ""))
        if option is None:
            return _UNKNOWN, False
        # An address is shown, but not a password in it, which the schema refuses.
        return bare(SecretStr if not option.repr and "@" in str(holder[part]) else option.annotation), True
    if get_origin(annotation) is (tuple if isinstance(holder, list) else _MAPPING):
        return bare(get_args(annotation)[0 if isinstance(holder, list) else -1]), False
    return (_UNKNOWN if annotation is _UNKNOWN or _holds_secrets(annotation) else object), False


def _holds_secrets(annotation: object) -> bool:
    annotation = bare(annotation)
    if is_section(annotation):
        return any(_holds_secrets(option.annotation) for option in annotation.model_fields.values())
    return annotation is SecretStr or any(_holds_secrets(below) for below in get_args(annotation))


def _is_text(value: object) -> bool:
    """Whether something may be a secret: `key: 123456` is one, too, if a wrong one."""
    if isinstance(value, str):
        return not is_reference(value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_doubtful(at: _At, value: object) -> bool:
    name = at.path[-1] if at.path else 0
    if at.is_option or not isinstance(name, str):
        return False
    if at.annotation is _UNKNOWN:
        return not LIKE_AN_OPTION.fullmatch(name)
    return _holds_secrets(at.annotation) and (value is None or ends_early(name))
