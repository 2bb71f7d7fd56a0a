"""Asks providers for their models in the background, so that `/v1/models` and routing know them while clients wait.

Asked is each provider whose `models.include` leaves room for names that it does not list: at the start, each hour, and
soon after a configuration has changed it. A failure leaves what was known and is tried again, ever more rarely; where
there is no such endpoint, once a day. What was learnt outlives a configuration, and in the store a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from relay.background import tell_of_fault
from relay.core.asking import NO_ENDPOINT
from relay.core.list_keeping import Origin
from relay.core.listing import fetch
from relay.core.means import Clocks
from relay.errors import StoreError, UpstreamError
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport

INTERVAL_S = 3600.0
FIRST_WAIT_S = 30.0
"""After a failure, twice as long after each further one in a row, INTERVAL_S at most."""
MISSING_S = 86_400.0
"""Until a provider without the endpoint is asked again."""
JITTER = 0.2
"""By so much of a wait it is shorter, by chance: relays that were started together don't ask together."""
AT_ONCE = 4
MAX_OTHERS = 100
"""Providers of former configurations whose lists are remembered: one may come back."""

log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where lists are kept; `list_keeping.ListShelf` is the store's."""

    async def read(self) -> dict[Origin, tuple[ListedModel, ...]]:
        """Raises StoreError."""
        ...

    async def keep(self, origin: Origin, models: tuple[ListedModel, ...]) -> None:
        """Raises StoreError."""
        ...


class ModelLists:
    """`keeping` runs it, `follow` tells it whom to ask.

    `on_change` is called when a list of a followed provider is another one than before; it must not wait.
    """

    def __init__(
        self,
        shelf: Shelf,
        transport_of: Callable[[Provider], Transport],
        clocks: Clocks,
        on_change: Callable[[], None],
    ) -> None:
        self._shelf = shelf
        self._transport_of = transport_of
        self._clocks = clocks
        self._on_change = on_change
        self._known: dict[Origin, tuple[ListedModel, ...]] = {}
        self._unkept: set[Origin] = set()
        self._providers: dict[str, Provider] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._is_running = False

    @property
    def lists(self) -> Mapping[str, tuple[ListedModel, ...]]:
        """What is known of the followed providers, by name; none of those that have told nothing yet."""
        origins = {name: Origin.of(provider) for name, provider in self._providers.items()}
        return {name: self._known[origin] for name, origin in origins.items() if origin in self._known}

    def follow(self, providers: Mapping[str, Provider]) -> None:
        """Ask these from now on, those that are new or changed at once; the lists of the others are not shown."""
        asked = {name: provider for name, provider in providers.items() if provider.is_asked_for_models}
        for name, before in self._providers.items():
            if name not in asked or _is_other(before, asked[name]):
                self._end(name)
        self._providers = asked
        self._forget()
        if self._is_running:
            self._begin()

    def _forget(self) -> None:
        """Of what was known of other providers than these, all but the last."""
        followed = {Origin.of(provider) for provider in self._providers.values()}
        others = [origin for origin in self._known if origin not in followed]
        for origin in others[:-MAX_OTHERS]:
            del self._known[origin]
            self._unkept.discard(origin)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Know what was kept, then ask until left. Raises StoreError at the start."""
        self._known = await self._shelf.read()
        self._is_running = True
        self._begin()
        try:
            yield
        finally:
            self._is_running = False
            for name in list(self._tasks):
                self._end(name)
            if self._ending:
                await asyncio.wait(self._ending)

    def _begin(self) -> None:
        for name in self._providers:
            if name not in self._tasks:
                task = asyncio.create_task(self._ask_for_ever(name), name=f"models of {name}")
                task.add_done_callback(tell_of_fault)
                self._tasks[name] = task

    def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _ask_for_ever(self, name: str) -> None:
        failures = 0
        while True:
            provider = self._providers[name]  # Anew each time: what is no reason to ask at once may have changed.
            try:
                async with self._slots:
                    models = await fetch(provider, self._transport_of(provider), self._clocks.now)
            except UpstreamError as error:
                failures += 1
                wait_s = _wait_s(error, failures)
                self._complain(provider, error, failures)
            else:
                failures, wait_s = 0, INTERVAL_S
                await self._learn(Origin.of(provider), models)
            await self._clocks.sleep(wait_s * (1 - JITTER * self._clocks.random()))

    async def _learn(self, origin: Origin, models: tuple[ListedModel, ...]) -> None:
        if self._known.get(origin) != models:
            log.info("provider %s lists %d models", origin.provider, len(models))
            self._known[origin] = models
            self._unkept.add(origin)
            self._on_change()
        if origin in self._unkept:
            await self._keep(origin, models)

    async def _keep(self, origin: Origin, models: tuple[ListedModel, ...]) -> None:
        try:
            await self._shelf.keep(origin, models)
        except StoreError as error:
            log.warning("the models of provider %s can't be kept: %s", origin.provider, error)
        else:
            self._unkept.discard(origin)

    def _complain(self, provider: Provider, error: UpstreamError, failures: int) -> None:
        """Once for failures in a row. A provider's own words may hold anything: the command shows them."""
        level = logging.WARNING if failures == 1 else logging.DEBUG
        if error.upstream_status in NO_ENDPOINT:
            log.log(level, "provider %s has no list of models: name them in its models.include", provider.name)
            return
        facts = error.facts
        why = f"status {error.upstream_status}" if error.upstream_status else facts.code or facts.openai_type
        hint = f"`monorelay provider test {provider.name}` says more"
        log.log(level, "provider %s does not tell its models (%s): %s", provider.name, why, hint)


_TELLING = ("root", "kind", "keys", "headers", "http_client", "proxy")
"""What of a provider may make its answer another one."""


def _is_other(before: Provider, after: Provider) -> bool:
    """Whether another answer may be expected."""
    return any(getattr(before, part) != getattr(after, part) for part in _TELLING)


def _wait_s(error: UpstreamError, failures: int) -> float:
    if error.upstream_status in NO_ENDPOINT:
        return MISSING_S
    growing_s: float = FIRST_WAIT_S * 2 ** min(failures - 1, 10)
    return min(max(growing_s, error.wait_s or 0), INTERVAL_S)
