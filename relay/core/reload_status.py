"""What became of the last look at the configuration file. The reloader writes it, and whoever is asked tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relay.errors import Problem


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """What became of the last look at the file."""

    etag: str
    """Of the text in force."""
    since: datetime
    """When it came into force."""
    waiting: tuple[str, ...] = ()
    """Options whose new value takes effect with the next start."""
    problems: tuple[Problem, ...] = ()
    """Why the file as it is now is not in force; empty: it is."""
    reloads: int = 0
    """How often another configuration took over."""
    failures: int = 0
    """How often a file was found bad."""
