"""How values and paths are shown in messages: short, in the file's own spelling, and never more of a name than needed.

A slip such as `access_key:sk-...` (no space) turns a secret into the *name* of a key, so what follows a colon, an
equals sign or a blank in a name is not shown, nor is the rest of a long one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST_NAME = 32
"""The longest option has 22 characters; provider keys are longer than this."""
_NAME_START = 16
"""What is shown of a longer one."""
_LONGEST_TEXT = 40
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NAME_ENDS = re.compile(r"[:=\s]")


def shown(value: object) -> str:
    """A value as it would be written in the file. Never call this with what may be a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}" if abs(value) < 10**_LONGEST_TEXT else "a very large number"
    if isinstance(value, float):
        return f"{value}"
    if isinstance(value, str):
        return f"'{_shortened(_printable(value))}'"
    return "a mapping" if isinstance(value, dict) else "a list"


def shown_name(name: str) -> str:
    """A key's name, cut where something else may begin."""
    start = _NAME_ENDS.split(name, maxsplit=1)[0]
    whole = start == name and len(name) <= _LONGEST_NAME
    return _printable(name if whole else start[:_NAME_START] + "...")


def ends_early(name: str) -> bool:
    """Whether something else may begin in a name."""
    return _NAME_ENDS.search(name) is not None


def dotted(path: Iterable[str | int]) -> str:
    """`("providers", "openai", "keys", 0)` as `providers.openai.keys[0]`; unusual names in quotes and brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(name := shown_name(part)):
            text += f".{name}" if text else name
        else:
            text += f'["{name}"]'
    return text


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."
