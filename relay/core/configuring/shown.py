"""A version of the file with its secrets and without, made once while it is the newest: parsing takes its time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from relay.config.masked_text import both_forms
from relay.config.saving import Saved
from relay.errors import ConfigError, Problem

MAX_TEXT_BYTES = 2**20
"""Of a configuration that is shown or changed over HTTP; an editor may make a larger one."""
_TOO_LARGE = f"holds more than {MAX_TEXT_BYTES // 2**20} MiB, which is not shown or changed over HTTP: edit it by hand"


@dataclass(frozen=True, slots=True)
class Shown:
    """What admins see of a text, and what is stored in it."""

    saved: Saved
    values: object = field(default=None, repr=False)
    """Plain ones, secrets included."""
    text: str | None = None
    """Masked; None for a text that can't be shown."""
    document: object = None
    """The same as plain values."""
    problems: tuple[Problem, ...] = ()
    """Why it can't be shown."""

    def assert_readable(self) -> None:
        """Raises ConfigError for a text that can only be replaced as a whole."""
        if self.problems:
            raise ConfigError(self.problems)


def shown_of(saved: Saved) -> Shown:
    """Takes a second for a thousand keys: in a thread."""
    try:
        refuse_large(saved.text)
        forms = both_forms(saved.text)
    except ConfigError as error:
        return Shown(saved, problems=error.problems)
    return Shown(saved, forms.stored, forms.text, forms.masked)


def refuse_large(text: str) -> None:
    """Raises ConfigError."""
    if len(text.encode(errors="surrogatepass")) > MAX_TEXT_BYTES:
        raise ConfigError([Problem("config.yml", None, "", _TOO_LARGE)])


class Display:
    """Keeps what was shown last."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._last: Shown | None = None

    async def of(self, saved: Saved) -> Shown:
        """Whoever comes meanwhile waits for the one that is being made."""
        async with self._lock:
            if self._last is None or self._last.saved.etag != saved.etag:
                self._last = await asyncio.to_thread(shown_of, saved)
            return self._last
