"""A relay with accounts, and who speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartRelay
from tests.support.accounts import STORES, store_url
from tests.web.accounts.client import Api, Calendar

StartApi = Callable[..., Awaitable[Api]]


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(params=STORES)
async def database(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, str]]:
    """The section `database` of a configuration with a store of its own."""
    async with store_url(request.param) as url:
        yield {"url": url}


@pytest.fixture
async def start_api(database: dict[str, str], start_relay: StartRelay, calendar: Calendar) -> AsyncIterator[StartApi]:
    """Starts relays on both kinds of store: `await start_api(registration="closed")`."""
    async with aiohttp.ClientSession() as session:

        async def start(server: dict[str, Any] | None = None, **auth: Any) -> Api:
            sections = {"server": server or {}, "auth": auth, "database": database}
            return Api(await start_relay(world=calendar.world(), **sections), session, calendar)

        yield start


@pytest.fixture
async def api(start_api: StartApi) -> Api:
    return await start_api()
