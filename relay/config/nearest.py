"""Which known names a mistyped one may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'max_body'?)`, nearest first, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)
    if not near:
        return ""
    return f" (did you mean {' or '.join(repr(candidate) for candidate in near)}?)"
