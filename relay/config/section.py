"""The base of all sections of the schema, and the mark of options that are not enforced yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from relay.config.display import shown
from relay.config.quantities import format_duration, format_size
from relay.config.values import Unit


@dataclass(frozen=True, slots=True)
class Pending:
    """Marks an option that nothing enforces in this release: a limit that does nothing is worse than none.

    The change that enforces an option takes the mark off its line in the schema.
    """

    allowed: tuple[object, ...] = ()
    """Values that mean the same as the default."""


PENDING = Pending()


class Section(BaseModel):
    """A mapping of options. The YAML names are the aliases; attribute names carry units."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _pending_options_keep_their_default(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        pending = next((mark for mark in field.metadata if isinstance(mark, Pending)), None)
        if pending is None or value in pending.allowed:
            return value
        default = field.get_default(call_default_factory=True, validated_data={})
        if value != default:
            default_text = _shown_default(field, default)
            raise ValueError(f"is not enforced in this release, so it must keep its default ({default_text})")
        return value


def _shown_default(field: FieldInfo, default: object) -> str:
    """A default as the documentation writes it."""
    if Unit.SECONDS in field.metadata and isinstance(default, float | int):
        return format_duration(default)
    if Unit.BYTES in field.metadata and isinstance(default, int):
        return format_size(default)
    if default is None:
        return "none"
    if isinstance(default, SecretStr) or default == "":
        return '""'
    if isinstance(default, tuple):
        return f"[{', '.join(str(item) for item in default)}]"
    if isinstance(default, Mapping):
        return "{}"
    return default if isinstance(default, str) else shown(default)
