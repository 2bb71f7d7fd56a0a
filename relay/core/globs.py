"""Globs over names of models and paths of endpoints: `*` and `?` only, case-blind, and `*` crosses `/`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache


@lru_cache(maxsize=4096)
def compiled(glob: str) -> re.Pattern[str]:
    """For names that are case-folded. Brackets are part of names such as `claude-opus-4[1m]`."""
    return re.compile(translate(glob.casefold().replace("[", "[[]")))


def is_among(name: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs matches the name."""
    folded = name.casefold()
    return any(compiled(glob).match(folded) for glob in globs)
