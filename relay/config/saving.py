"""Replacing config.yml: by one editor at a time, only if nobody changed it meanwhile, and never by half a file.

    saved = read_saved(path)                      its text, and a tag that changes with every byte
    etag = save(path, edited(saved.text, ...), saved.etag)

The text is written beside the file, flushed to disk, and renamed over it: whoever reads the file has the old one or the
new one, at any moment and after any crash. A link is followed, so that its target is replaced. Mode and owner stay.
Functions that wait for disks: call them in a thread.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from relay.config.atomic import clear_unfinished, sync_folder, written_beside
from relay.config.files import read_file
from relay.config.load import MAX_FILE_BYTES, text_of
from relay.config.locking import locked
from relay.errors import SaveError, StaleVersion


@dataclass(frozen=True, slots=True)
class Saved:
    """The file as it was read."""

    text: str = field(repr=False)
    etag: str


def etag_of(contents: bytes) -> str:
    """An entity tag as HTTP writes it (RFC 9110, 8.8.3): the SHA-256 in quotes."""
    return f'"{hashlib.sha256(contents).hexdigest()}"'


def read_saved(path: Path) -> Saved:
    """The file that is there. Raises ConfigError."""
    text = text_of(path)
    return Saved(text, etag_of(text.encode()))


def save(path: Path, text: str, expected_etag: str) -> str:
    """Replace the file that has the expected tag by a text that can be loaded; give its tag.

    Raises StaleVersion where somebody else changed the file meanwhile, and SaveError where it can't be written.
    """
    target = Path(os.path.realpath(path))
    try:
        with locked(target.with_name(f".{target.name}.lock")):
            clear_unfinished(target.parent, f"{target.name}.")
            _replace(target, text, expected_etag)
    except OSError as error:
        raise SaveError(f"{path} can't be saved: {_reason(error)}.") from error
    return etag_of(text.encode())


def _replace(target: Path, text: str, expected_etag: str) -> None:
    with written_beside(target, text) as temporary:
        _give_rights(temporary, target)
        _refuse_if_changed(target, expected_etag)
        os.replace(temporary, target)
    sync_folder(target.parent)


def _give_rights(temporary: Path, target: Path) -> None:
    """Mode and owner of the file that it will replace."""
    old, new = target.stat(), temporary.stat()
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def _refuse_if_changed(target: Path, expected_etag: str) -> None:
    found = etag_of(read_file(target, MAX_FILE_BYTES))
    if found != expected_etag:
        raise StaleVersion(found)


def _reason(error: OSError) -> str:
    if error.errno == errno.EBUSY and error.filename2:
        return "it is mounted by itself, and can't be replaced: mount its folder instead"
    if error.errno == errno.EPERM:
        return "its owner can't be kept: let it belong to the user that MonoRelay runs as"
    return error.strerror or "unknown error"
