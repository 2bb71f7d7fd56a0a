"""Files that are there as a whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

_UNFINISHED = ".new"
"""How the name of a file ends that is still being written."""


def write_private(path: Path, text: str) -> None:
    """A new file, of mode 0600 whatever the umask. Raises OSError, FileExistsError where there is one."""
    with written_beside(path, text) as temporary:
        # A link, unlike a rename, never replaces what another process wrote meanwhile.
        os.link(temporary, path)
    sync_folder(path.parent)


@contextmanager
def written_beside(path: Path, text: str) -> Iterator[Path]:
    """A private file in the same folder, on disk, to be linked or renamed; else it is gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    temporary = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def clear_unfinished(folder: Path, name: str = "") -> None:
    """Delete what killed writers of one file, or of all, left behind. Call it only where none is at work."""
    for leftover in folder.glob(f".{escape(name)}*{_UNFINISHED}"):
        leftover.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A name itself is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
