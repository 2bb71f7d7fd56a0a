"""Reading a file that an operator named: whole, bounded, and never waiting for a pipe or a device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path, limit_bytes: int) -> bytes:
    """All bytes of a regular file. Raises OSError, also when it is no regular file or holds more than the limit."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        contents = file.read(limit_bytes + 1)
    if len(contents) > limit_bytes:
        raise OSError(errno.EFBIG, f"it holds more than {limit_bytes // 1024} KiB")
    return contents


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
