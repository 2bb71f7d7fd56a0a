"""Looking up which options the schema has at a path."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, TypeGuard, get_args, get_origin

from relay.config.section import Section


def option_names(section: type[Section]) -> dict[str, str]:
    """The file's name of each option -> the attribute's."""
    return {field.alias or name: name for name, field in section.model_fields.items()}


def section_at(root: type[Section], path: Iterable[str | int]) -> type[Section]:
    """The section at `path`, which is one that pydantic came by."""
    annotation: object = root
    for part in path:
        annotation = bare(_below(annotation, part))
    if is_section(annotation):
        return annotation
    raise AssertionError(path)


def is_section(annotation: object) -> TypeGuard[type[Section]]:
    return inspect.isclass(annotation) and issubclass(annotation, Section)


def _below(annotation: object, part: str | int) -> object:
    """The annotation of an option, or of the items of a list or mapping."""
    if is_section(annotation):
        return annotation.model_fields[option_names(annotation)[str(part)]].annotation
    items = get_args(annotation)
    return items[0] if get_origin(annotation) is tuple else items[-1]


def bare(annotation: object) -> object:
    """Without validators, and without None."""
    if get_origin(annotation) in {Annotated, UnionType}:
        return bare(get_args(annotation)[0])
    return annotation
