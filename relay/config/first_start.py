"""The config.yml of a first start: the example with a real access key, readable by its owner only."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

_PLACEHOLDER = 'access_key: "change-me"'


def fresh_config(example: str, *, access_key: str) -> str:
    """The example with its placeholder replaced. Raises ValueError when it is not there exactly once."""
    if example.count(_PLACEHOLDER) != 1:
        raise ValueError(f"the example must hold the line {_PLACEHOLDER} once")
    # JSON's quoting is YAML's, too; a dollar would otherwise begin a reference to the environment.
    return example.replace(_PLACEHOLDER, f"access_key: {json.dumps(access_key.replace('$', '$$'))}")


def write_private(path: Path, text: str) -> None:
    """A new file, whole or not at all, of mode 0600 whatever the umask. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        # A link, unlike a rename, never replaces what another process wrote meanwhile.
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The name itself is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
