"""What a check of a whole configuration is: other layers pass theirs to `load`, which gives each finding its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from relay.config.schema import Config

KeyPath: TypeAlias = tuple[str | int, ...]


class Finding(NamedTuple):
    """One thing that a check found wrong."""

    path: KeyPath
    """In the file's own names, `("providers", "openai", "keys", 0, "label")`; the key may be absent from the file."""
    message: str
    """What is wrong and what to do, without the path and without a secret's value."""


Check: TypeAlias = Callable[[Config], Iterable[Finding]]
"""Is called with a configuration in which every value by itself is fine."""
