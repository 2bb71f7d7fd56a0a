"""The kinds of values that options have, as annotated types: what the file may say, and what the code gets."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Never, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, Strict, ValidationInfo

from relay.config.display import shown
from relay.config.mask import is_mask
from relay.config.quantities import parse_duration, parse_size
from relay.config.secrets import Resolver


class Unit(enum.Enum):
    """What a number counts; tells messages how to write it."""

    SECONDS = "seconds"
    BYTES = "bytes"


MAX_DURATION_S = 3650 * 86_400
"""Ten years: longer is a slip, and no timer takes much more."""
MAX_SIZE_BYTES = 2**50
MAX_COUNT = 2**53
"""What JSON readers, JavaScript ones above all, still hold exactly."""

K = TypeVar("K", bound=str)
V = TypeVar("V")


def _duration(value: object) -> object:
    seconds = parse_duration(value) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError(f'must be a duration, seconds or "250ms", "90s", "5m", "24h", "7d", not {shown(value)}')
    if not 0 <= seconds <= MAX_DURATION_S:
        raise ValueError(f"must be a duration between 0 and 3650d, not {shown(value)}")
    return seconds


def _size(value: object) -> object:
    size = parse_size(value) if isinstance(value, str) else value
    if isinstance(size, bool) or not isinstance(size, int):
        raise ValueError(f'must be a size, whole bytes or "10KiB", "64MiB", "1GiB", not {shown(value)}')
    if not 0 <= size <= MAX_SIZE_BYTES:
        raise ValueError(f"must be a size between 0 and 1024TiB, not {shown(value)}")
    return size


def resolved(value: object, info: ValidationInfo) -> object:
    """Replaces `${ENV}` and `file:PATH`; the value is in no message, whatever its type."""
    if not isinstance(info.context, Resolver):
        raise TypeError("a Config is validated with a Resolver as its context")
    if not isinstance(value, str):
        raise ValueError("must be text: put it in quotes (what is there is not shown, it may be a secret)")
    if is_mask(value):
        raise ValueError("is the mask of a secret, as MonoRelay shows it, and not the secret: write that")
    return info.context.resolve(value)


def _utc_time(value: object) -> object:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"must be a date and time such as 2027-01-31T12:00:00Z, or empty for never, not {shown(value)}")


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not hold a line end or another control character")
    return value


def _key_characters(secret: SecretStr) -> SecretStr:
    """A key travels in a header: what can't, or would arrive trimmed, never matches."""
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise ValueError(
            "holds a character that no key has (a line end, a blank at its start or end, a letter that is not ASCII): "
            "look at where it was copied from"
        )
    return secret


def _read_only(value: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(value))


def nothing() -> Mapping[str, Never]:
    """The default of a mapping."""
    return MappingProxyType({})


Duration: TypeAlias = Annotated[float, BeforeValidator(_duration), Unit.SECONDS]
"""Seconds."""
Size: TypeAlias = Annotated[int, BeforeValidator(_size), Unit.BYTES]
"""Bytes."""
Resolved: TypeAlias = Annotated[str, BeforeValidator(resolved)]
"""Text in which `${ENV}` and `file:PATH` are replaced, but which is no secret."""
Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(resolved)]
KeySecret: TypeAlias = Annotated[Secret, AfterValidator(_key_characters)]
"""A secret that is sent in a header."""
UtcTime: TypeAlias = Annotated[datetime | None, BeforeValidator(_utc_time)]
"""Aware, in UTC. None: the file says "" (never)."""
Whole: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=MAX_COUNT)]
Number: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=MAX_COUNT, allow_inf_nan=False)]
Line: TypeAlias = Annotated[str, AfterValidator(_one_line)]
"""Text without control characters; may be empty."""
Name: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
"""Of a model, a provider, an alias; or a glob for such names."""
Table: TypeAlias = Annotated[Mapping[K, V], AfterValidator(_read_only)]
"""A read-only mapping with free keys, in the order of the file."""
Json: TypeAlias = Table[Name, object]
"""Parameters for an upstream: somebody else's JSON."""
