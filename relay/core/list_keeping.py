"""Keeps the lists of models through a restart: what a provider told last is known before it is asked again."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from relay.store import model_lists
from relay.store.changing import reading, writing
from relay.store.database import Engine
from relay.store.model_lists import KeptList
from relay.upstream.listed_model import ListedModel
from relay.upstream.model_list import NotAList, read_page, write_list
from relay.upstream.providers import Provider

log = logging.getLogger(__name__)


class Origin(NamedTuple):
    """Whose list it is: the same name at another address is another provider."""

    provider: str
    fingerprint: str

    @classmethod
    def of(cls, provider: Provider) -> Origin:
        """The origin of a provider's list. Of its address, which may hold a secret, only a part of a digest is kept."""
        return cls(provider.name, hashlib.sha256(provider.root.encode()).hexdigest()[:16])


class ListShelf:
    """The lists in the store, the last one of each provider."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def read(self) -> dict[Origin, tuple[ListedModel, ...]]:
        """All that was kept and can be read. Raises StoreError."""
        async with reading(self._engine) as transaction:
            kept = await model_lists.read_all(transaction)
        found: dict[Origin, tuple[ListedModel, ...]] = {}
        for one in kept:
            try:
                found[Origin(one.provider, one.fingerprint)] = read_page(one.document.encode()).models
            except NotAList:
                log.warning("the list of models kept of provider %s can't be read and is forgotten", one.provider)
        return found

    async def keep(self, origin: Origin, models: Sequence[ListedModel]) -> None:
        """Put a list in the place of the provider's last one. Raises StoreError."""
        kept = KeptList(origin.provider, origin.fingerprint, write_list(models).decode())
        async with writing(self._engine) as transaction:
            await model_lists.keep(transaction, kept, self._now())
