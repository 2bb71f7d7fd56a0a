"""The secret that signs tokens, where the configuration names none: made once, and read by its owner alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relay.errors import StoreError

FILE_NAME = "jwt.secret"
SECRET_BYTES = 32
MAX_SECRETS = 2
"""The one that signs, and the one before, so that what it signed lives its time."""


def kept_secrets(data_folder: Path) -> tuple[bytes, ...]:
    """The secrets in the file, the signing one first; made where there is none. Raises StoreError."""
    path = data_folder / FILE_NAME
    try:
        return _read(path) if path.exists() else _make(path)
    except OSError as error:
        raise StoreError(f"{path} can't be used: {error.strerror}.") from error


def rotate(data_folder: Path) -> Path:
    """Put a new secret in front, keep the one before it, and give the file. Raises StoreError."""
    kept = [secrets.token_bytes(SECRET_BYTES), *kept_secrets(data_folder)][:MAX_SECRETS]
    path = data_folder / FILE_NAME
    try:
        with _written(kept, path) as temporary:
            os.replace(temporary, path)
        _sync(data_folder)
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}.") from error
    return path


def _read(path: Path) -> tuple[bytes, ...]:
    lines = path.read_text(encoding="ascii", errors="replace").split()
    try:
        found = tuple(bytes.fromhex(line) for line in lines)
    except ValueError as error:
        raise StoreError(f"{path} holds no secrets: restore it, or delete it, which ends every session.") from error
    if not found or any(len(secret) < SECRET_BYTES for secret in found):
        raise StoreError(f"{path} holds a secret that is too short: restore it, or delete it.")
    return found


def _make(path: Path) -> tuple[bytes, ...]:
    """Of two processes that start at once, both use what the first has written."""
    made = secrets.token_bytes(SECRET_BYTES)
    try:
        with _written([made], path) as temporary:
            os.link(temporary, path)  # Never over another one.
        _sync(path.parent)
    except FileExistsError:
        return _read(path)
    return (made,)


def _sync(folder: Path) -> None:
    """Have the name outlive a crash of the machine, as the contents do."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _written(kept: list[bytes], path: Path) -> Iterator[str]:
    """The secrets in a file beside, which is gone afterwards: `mkstemp` makes it its owner's alone."""
    handle, temporary = tempfile.mkstemp(prefix=f"{FILE_NAME}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.writelines(f"{secret.hex()}\n" for secret in kept)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)
