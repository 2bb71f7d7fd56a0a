"""Which models a provider has, by its own word: `GET /models`, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from relay import faults
from relay.core.asking import Asker, Question
from relay.errors import Blame, UpstreamError
from relay.upstream.keyring import Key
from relay.upstream.listed_model import ListedModel
from relay.upstream.model_list import MAX_MODELS, NotAList, Page, first_of_each, read_page
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport

PATH = "/models"
MAX_BYTES = 8 * 1024 * 1024
"""Of one answer. OpenRouter's, with a text on each model, is a tenth of it."""
MAX_PAGES = 20
WITHIN_S = 30.0
"""What a page may take."""
FETCH_S = 120.0
"""What a list may take, with all its pages."""
MAX_KEYS = 3
"""So many are tried one after the other where a provider complains of the key."""
_OF_THE_KEY = frozenset({Blame.KEY_LIMITED, Blame.KEY_SPENT, Blame.KEY_REFUSED})


def _question(provider: Provider, after: str = "") -> Question:
    """One page of the list."""
    query = "&".join(filter(None, (provider.kind.list_query, after)))
    return Question(f"{PATH}?{query}" if query else PATH, within_s=WITHIN_S, limit_bytes=MAX_BYTES)


async def fetch(provider: Provider, transport: Transport, now: Callable[[], datetime]) -> tuple[ListedModel, ...]:
    """The whole list, each name once, by the first key that the provider does not complain of.

    Raises UpstreamError, also for an answer that is no list. No key's quota counts it: that is for calls of clients.
    """
    *askers, last = [Asker(provider, key, transport, now) for key in keys_for(provider, now())]
    for asker in askers:
        try:
            return await fetch_with(asker)
        except UpstreamError as error:
            if error.blame not in _OF_THE_KEY:
                raise
    return await fetch_with(last)


def keys_for(provider: Provider, now: datetime) -> list[Key | None]:
    """With what to ask, in order; None: without a credential. Raises UpstreamError where no key may be used."""
    if not provider.keys:
        return [None]
    good: list[Key | None] = [key for key in provider.keys if key.is_good(now)]
    if not good:
        raise faults.no_key()
    return good[:MAX_KEYS]


async def fetch_with(asker: Asker) -> tuple[ListedModel, ...]:
    """As `fetch`, with one key."""
    try:
        async with asyncio.timeout(FETCH_S):
            return await _pages(asker)
    except TimeoutError as error:
        raise faults.total_timeout() from error


async def _pages(asker: Asker) -> tuple[ListedModel, ...]:
    models: tuple[ListedModel, ...] = ()
    after = ""
    for _ in range(MAX_PAGES):
        page = await _page(asker, after)
        known = len(models)
        models = first_of_each((*models, *page.models))
        after = page.after
        if not after or len(models) in (known, MAX_MODELS):
            break
    return models


async def _page(asker: Asker, after: str) -> Page:
    answer = await asker.ask(_question(asker.provider, after))
    try:
        # In a thread: a large one would hold up every call.
        return await asyncio.to_thread(read_page, answer.body, asker.provider.kind.list_prefix)
    except NotAList as error:
        raise faults.bad_event() from error
