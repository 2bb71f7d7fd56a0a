"""The document of a text that is to be changed or shown, as opposed to one that is only to be judged."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.events import Event

from relay.config.display import dotted
from relay.config.document import Document, read_events
from relay.config.syntax import Unreadable
from relay.errors import ConfigError, Problem


def readable(events: Iterator[Event], source: str) -> Document:
    """The document, without a flaw; `source` names the text in problems. Raises ConfigError."""
    try:
        document = read_events(events)
    except Unreadable as error:
        problems = [Problem(source, error.line, "", error.message)]
    else:
        problems = [Problem(source, flaw.line, dotted(flaw.path), flaw.message) for flaw in document.flaws]
        if not problems:
            return document
    raise ConfigError(problems)
