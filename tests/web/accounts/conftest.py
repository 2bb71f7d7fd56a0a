"""A relay with accounts, and who speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartRelay
from tests.web.accounts.client import Api, Calendar

StartApi = Callable[..., Awaitable[Api]]


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def start_api(start_relay: StartRelay, calendar: Calendar) -> AsyncIterator[StartApi]:
    """Starts relays: `await start_api(registration="closed")`."""
    async with aiohttp.ClientSession() as session:

        async def start(**auth: Any) -> Api:
            return Api(await start_relay(world=calendar.world(), auth=auth), session, calendar)

        yield start


@pytest.fixture
async def api(start_api: StartApi) -> Api:
    return await start_api()
