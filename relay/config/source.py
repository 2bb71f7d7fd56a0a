"""Where the configuration of a process comes from: one file, read again whenever it may have changed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from relay.config.findings import Check
from relay.config.load import parse, text_of
from relay.config.saving import etag_of
from relay.config.schema import Config

Signature: TypeAlias = tuple[int, int, int, int, int]
"""What changes with a file: another one in its place, through however many links, or other contents."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was found good."""

    config: Config
    text: str
    etag: str
    """Of the text."""


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """The file, and what its contents are checked with. All methods may take a while: not on the event loop."""

    path: Path
    environ: Mapping[str, str]
    checks: Sequence[Check] = ()

    def load(self) -> Loaded:
        """What the file says now. Raises ConfigError."""
        return self.loaded(text_of(self.path))

    def loaded(self, text: str) -> Loaded:
        """What a text would say in the file's place. Raises ConfigError."""
        config = parse(text, source=str(self.path), folder=self.path.parent, environ=self.environ, checks=self.checks)
        return Loaded(config, text, etag_of(text.encode()))

    def signature(self) -> Signature | None:
        """None: there is no file at the moment."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
