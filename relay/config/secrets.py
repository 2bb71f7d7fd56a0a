"""Where secrets come from: `${ENV}`, `${ENV:-default}`, `$$` for a dollar, or a whole value `file:PATH`.

Only options that hold a secret, provider headers and `base_url` are read this way; every other text is literal. What
comes out of the environment or a file is never looked at again, and no message holds any of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

MAX_FILE_BYTES = 64 * 1024

ReadFile: TypeAlias = Callable[[Path, int], bytes]
"""Gives a file's bytes; raises OSError, also when there are more than the number given."""

_DOLLAR = re.compile(r"\$(?:(\$)|\{([^}]*)(\}?))")
_REFERENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns what the file says into the secret. Raises ValueError with a message for the operator."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    """What a relative `file:PATH` is relative to: the folder of config.yml."""
    read_file: ReadFile

    def resolve(self, text: str) -> str:
        """The value that `text` stands for."""
        if text.startswith("file:"):
            # The path may hold a variable: systemd names the folder of its credentials in one.
            return self._contents(self.folder / self._interpolated(text.removeprefix("file:")))
        return self._interpolated(text)

    def _interpolated(self, text: str) -> str:
        return _DOLLAR.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        dollar, inside, closed = match.groups()
        if dollar:
            return "$"
        reference = _REFERENCE.fullmatch(inside) if closed else None
        if reference is None:
            raise ValueError("has a '${' that is not of the form ${NAME} or ${NAME:-default}; write $$ for a dollar")
        name, default = reference.groups()
        value = self.environ.get(name, default)
        if value is None:
            raise ValueError(f"needs the environment variable {name}, which is not set: set it, or write ${{{name}:-}}")
        return value

    def _contents(self, path: Path) -> str:
        try:
            contents = self.read_file(path, MAX_FILE_BYTES)
            return contents.decode().removesuffix("\n").removesuffix("\r")
        except OSError as error:
            problem = f"can't be read: {error.strerror or 'unknown error'}"
        except ValueError:  # an impossible name ("\\0"), or bytes that are not UTF-8
            problem = "can't be read as UTF-8 text"
        raise ValueError(f"names a file that {problem}; check the path after 'file:'")
