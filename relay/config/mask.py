"""How a secret is shown to whoever may edit it: enough of it to tell it from others, if it is long, and else nothing.

    sk-abcdefghijklmnopqrst     sk-abc…qrst
    hunter2                     …
    the second of a list        …[1]
    ${OPENAI_KEY}               as it is: it holds no secret, and neither does file:PATH

A mask is never taken for a secret: `relay.config.values` refuses it, and no key can hold its sign.
"""

from __future__ import annotations

import re

_SIGN = "…"
_FIRST, _LAST = 6, 4
_SHORTEST_SHOWN = 20
"""Characters; of a shorter one too large a part would be shown."""

_MASK = re.compile(rf"{_SIGN}(?:\[[0-9]{{1,6}}\])?|[!-~]{{{_FIRST}}}{_SIGN}[!-~]{{{_LAST}}}")
_KEY_LIKE = re.compile(rf"(?!.*(?:://|@))[!-~]{{{_SHORTEST_SHOWN},}}")
"""A URL may hold a password near either end, and text with blanks may be one."""
_NAME = r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\}"
_REFERENCE = re.compile(rf"(?:(?:Bearer|Basic|Token) )?{_NAME}|file:(?:[^$]|{_NAME})*")


def mask(secret: str, position: int | None) -> str:
    """What is shown of a secret; `position` is that in its list, None for one that is in none."""
    if _KEY_LIKE.fullmatch(secret):
        return f"{secret[:_FIRST]}{_SIGN}{secret[-_LAST:]}"
    return _SIGN if position is None else f"{_SIGN}[{position}]"


def is_mask(text: str) -> bool:
    return _MASK.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Whether a text only says where a secret is, or that there is none."""
    return not text or _REFERENCE.fullmatch(text) is not None
