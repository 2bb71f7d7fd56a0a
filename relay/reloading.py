"""Another configuration without a restart: when the file changes, or when the process is told to look (SIGHUP).

    changed     in place, by a rename, by a swapped link: the file is looked at twice a second, and read once two looks
                in a row agree, so that a half-written one is hardly ever seen
    good        one snapshot takes over whole; what began on the old one ends on it
    bad         the old one stays, and every problem is told

Looking costs microseconds and works on every file system; notifications of the kernel miss network mounts, and
folders whose links are swapped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from relay.background import running_beside
from relay.config.exposure import reachable_without_a_real_key
from relay.config.fixed import waiting_for_restart, with_fixed
from relay.config.schema import Config
from relay.config.source import ConfigSource, Loaded, Signature
from relay.core.reload_status import ReloadStatus
from relay.errors import ConfigError, Problem, SaveError

INTERVAL_S = 0.5

_FAULTS_OF_DATA = (ValueError, LookupError, ArithmeticError)
"""What a value that nobody foresaw can raise where it is put to use: it must not end reloading, nor what is served."""

log = logging.getLogger(__name__)


class Reloader:
    """Keeps the process on what its file says."""

    def __init__(
        self,
        source: ConfigSource,
        started_with: Loaded,
        running: Config,
        adopt: Callable[[Config], None],
        now: Callable[[], datetime],
        *,
        signature: Signature | None = None,
        keep: Callable[[str, datetime], object] = lambda text, now: None,
    ) -> None:
        """`running` is what is in force: `started_with`, but for what the command line says in the file's place.

        `signature` is that of the file before it was read; `keep` takes each text that comes into force, in a thread.
        """
        self._source = source
        self._at_start = started_with.config
        self._running = running
        self._adopt = adopt
        self._keep = keep
        self._now = now
        self._taken = self._last_seen = signature
        self._lock = asyncio.Lock()
        self.status = ReloadStatus(started_with.etag, now())

    @asynccontextmanager
    async def watching(self, *, interval_s: float = INTERVAL_S) -> AsyncIterator[None]:
        """Look at the file until left."""
        async with running_beside(self._watch(interval_s), name="config"):
            yield

    async def look(self) -> None:
        """Load the file if it has changed and now stays as it is."""
        seen = await asyncio.to_thread(self._source.signature)
        is_settled, self._last_seen = seen == self._last_seen, seen
        if seen is not None and seen != self._taken and is_settled:
            await self.reload()

    async def reload(self) -> None:
        """Load the file now. Whatever is in it, this does not fail: what is wrong is told, and stands in `status`."""
        async with self._lock:
            self._taken = await asyncio.to_thread(self._source.signature)
            try:
                loaded = await asyncio.to_thread(self._source.load)
                self._take_over(loaded)
            except ConfigError as error:
                self._refuse(error)
            except _FAULTS_OF_DATA as fault:
                log.exception("%s could not be taken over", self._source.path)
                told = f"it could not be taken over, by a fault of the relay: {type(fault).__name__}; see the log"
                self._refuse(ConfigError([Problem(str(self._source.path), None, "", told)]))
            else:
                await self.keep(loaded)

    async def keep(self, loaded: Loaded) -> None:
        """Keep a version that is in force; that it can't be kept is told, and changes nothing."""
        try:
            await asyncio.to_thread(self._keep, loaded.text, self._now())
        except SaveError as error:
            log.warning("this version of the configuration is not kept: %s", error)

    def checked(self, loaded: Loaded) -> Config:
        """What would be in force. Raises ConfigError for what would not be taken over; nothing changes."""
        config = with_fixed(loaded.config, self._running)
        exposed = reachable_without_a_real_key(config)  # Once more: by the address that it really has.
        problems = [Problem(str(self._source.path), None, "", found.message) for found in exposed]
        if problems:
            raise ConfigError(problems)
        return config

    def _take_over(self, loaded: Loaded) -> None:
        """Raises ConfigError, having changed nothing."""
        config = self.checked(loaded)
        self._adopt(config)
        self._running = config
        waiting = waiting_for_restart(loaded.config, self._at_start)
        self.status = replace(
            self.status, etag=loaded.etag, since=self._now(), waiting=waiting, problems=(),
            reloads=self.status.reloads + 1,
        )  # fmt: skip
        log.info("%s is in force", self._source.path)
        for name in waiting:
            log.warning("%s has changed, which takes effect with the next start", name)

    def _refuse(self, error: ConfigError) -> None:
        self.status = replace(self.status, problems=tuple(error.problems), failures=self.status.failures + 1)
        log.error("%s is not taken over, what was before stays in force; it has %d problems", self._source.path,
                  len(error.problems))  # fmt: skip
        for problem in error.problems:
            log.error("%s", problem)

    async def _watch(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await self.look()
