"""The last good versions of config.yml, each a file of its own in a private folder, to look at and to go back to.

    config-versions/20261124T213100.123456Z-SHA256.yml

Names are in the order of time, whatever the clock does. A text that comes back takes the place of its older copy.
They hold secrets as the configuration does. Functions that wait for disks: call them in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from relay.config.atomic import clear_unfinished, sync_folder, write_private
from relay.config.display import shown
from relay.config.files import read_file
from relay.config.load import MAX_FILE_BYTES
from relay.config.locking import locked
from relay.config.saving import etag_of
from relay.errors import NoSuch, SaveError

FOLDER = "config-versions"
"""In the data folder."""
KEPT = 20

_NAME = re.compile(r"([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)-([0-9a-f]{64})\.yml")
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Version:
    """One text that was in force."""

    name: str
    """That of its file."""
    since: datetime
    """Aware, in UTC: when it was kept."""
    etag: str
    """As `relay.config.saving` gives it to a file with this text."""


@dataclass(frozen=True, slots=True)
class Versions:
    """A folder of versions, which is made when the first one is kept. Everything raises SaveError."""

    folder: Path

    def keep(self, text: str, now: datetime) -> Version:
        """Keep a text that is in force from `now` on, and drop the oldest beyond KEPT."""
        with self._told():
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)  # Whatever the umask.
            with locked(self.folder / ".lock"):
                clear_unfinished(self.folder)
                return self._kept(text, now.astimezone(UTC))

    def newest_first(self) -> tuple[Version, ...]:
        """Those that are kept."""
        with self._told():
            return self._listed()

    def text_of(self, name: str) -> str:
        """The text of a version. Raises NoSuch for what is none, or none any more."""
        if not _NAME.fullmatch(name):
            raise NoSuch("version", shown(name))
        with self._told():
            try:
                return read_file(self.folder / name, MAX_FILE_BYTES).decode()
            except FileNotFoundError:
                raise NoSuch("version", name) from None

    def _kept(self, text: str, now: datetime) -> Version:
        etag, versions = etag_of(text.encode()), self._listed()
        if versions and versions[0].etag == etag:
            return versions[0]
        since = max(now, versions[0].since + timedelta(microseconds=1)) if versions else now
        version = Version(f"{since.strftime(_TIME)}-{etag[1:-1]}.yml", since, etag)
        older = next((older for older in versions if older.etag == etag), None)
        if older is None:
            write_private(self.folder / version.name, text)
        else:
            os.rename(self.folder / older.name, self.folder / version.name)
        for dropped in self._listed()[KEPT:]:
            (self.folder / dropped.name).unlink()
        sync_folder(self.folder)
        return version

    def _listed(self) -> tuple[Version, ...]:
        names = sorted(os.listdir(self.folder), reverse=True) if self.folder.is_dir() else []
        found = [_version(match) for name in names if (match := _NAME.fullmatch(name))]
        return tuple(version for version in found if version is not None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The system's errors as ours."""
        try:
            yield
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a version is no UTF-8 text"
            raise SaveError(f"The versions in {self.folder} can't be kept or read: {reason}.") from error


def _version(name: re.Match[str]) -> Version | None:
    """None for a name with an impossible time, which is nobody's of ours."""
    try:
        since = datetime.strptime(name[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Version(name[0], since, f'"{name[2]}"')
