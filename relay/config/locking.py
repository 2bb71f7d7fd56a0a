"""A lock between processes, and between threads of one: held by one at a time, freed whatever becomes of its holder."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIES = 200
_PAUSE_S = 0.05
"""Ten seconds in all: what is done under such a lock takes milliseconds."""


@contextmanager
def locked(path: Path, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """With the lock that is this file, which stays. Raises OSError, also where somebody else does not let go of it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _take(handle, sleep)
        yield
    finally:
        os.close(handle)


def _take(handle: int, sleep: Callable[[float], None]) -> None:
    for _ in range(_TRIES):
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(_PAUSE_S)
    raise OSError(errno.EBUSY, "another process does not let go of it")
