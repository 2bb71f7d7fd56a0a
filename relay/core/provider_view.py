"""How providers of the configuration in force stand at a moment, and trying one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from relay.core.catalog import Lists
from relay.core.means import Clocks, Means
from relay.core.provider_report import ProviderReport
from relay.core.provider_test import examine
from relay.core.routing import Catalog
from relay.errors import NoSuch
from relay.model import Dialect
from relay.upstream.keyring import KeyState
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider."""

    dialects: Sequence[Dialect]
    keys: Sequence[KeyState]
    in_flight: int
    """Calls under way there."""
    is_full: bool
    rests_s: float
    """It can't be reached, and is passed over for so long; 0: it is not."""
    models: int
    """How many are known there."""


@dataclass(frozen=True, slots=True)
class Providers:
    """All of one configuration, at work."""

    catalog: Catalog
    means: Means
    lists: Lists
    transport_of: Callable[[Provider], Transport]
    clocks: Clocks

    def views(self) -> Mapping[str, ProviderView]:
        """By name."""
        return {name: self._view(provider) for name, provider in self.means.providers.items()}

    def models(self, name: str) -> list[ListedModel]:
        """Those known at a provider, with what it tells of them. Raises NoSuch."""
        provider = self._provider(name)
        told = {model.name: model for model in self.lists.get(provider.name, ())}
        names = self.catalog.places[provider.name.casefold()].models
        return [told.get(model) or ListedModel(model) for model in names]

    async def test(self, name: str, model: str) -> ProviderReport:
        """Try what it can do. Raises NoSuch."""
        provider = self._provider(name)
        return await examine(provider, self.transport_of(provider), self.clocks, model=model)

    def _provider(self, name: str) -> Provider:
        if name not in self.means.providers:
            raise NoSuch("enabled provider", name)
        return self.means.providers[name]

    def _view(self, provider: Provider) -> ProviderView:
        now = self.clocks.now()
        return ProviderView(
            provider.dialects,
            self.means.keyrings[provider.name].states(now),
            self.means.meters.provider(provider.name).in_flight,
            self.means.is_full(provider),
            self.means.breakers.provider_rests_s(provider.name, now),
            len(self.catalog.places[provider.name.casefold()].models),
        )
