"""Many at once are many: what is counted is counted one behind the other, in both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.throttling import count_password, count_registration, was_not_looked_at
from relay.core.throttle import OF_ACCOUNT, OF_REGISTRATIONS
from relay.errors import TooManyRequests
from tests.support.accounts import STORES, accounts_in, new_store, store_url
from tests.support.running import configuration
from tests.web.accounts.client import Calendar


@pytest.fixture(params=STORES)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountDesk]:
    new_store(tmp_path)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(store_url(request.param))
        config = configuration(database={"url": url})
        yield await stack.enter_async_context(accounts_in(tmp_path, config, Calendar()))


def looked_at(results: list[BaseException | None]) -> int:
    assert {type(result) for result in results} <= {type(None), TooManyRequests}
    return results.count(None)


async def test_of_passwords_that_come_first_and_at_once_no_more_are_looked_at_than_are_free(desk: AccountDesk) -> None:
    tries = (count_password(desk, "alice", "192.0.2.1") for _ in range(40))
    assert looked_at(await asyncio.gather(*tries, return_exceptions=True)) == OF_ACCOUNT.free


async def test_of_registrations_at_once_no_more_are_looked_at_than_are_free(desk: AccountDesk) -> None:
    tries = (count_registration(desk, f"2001:db8::{number:x}") for number in range(40))
    assert looked_at(await asyncio.gather(*tries, return_exceptions=True)) == OF_REGISTRATIONS.free


async def test_what_was_not_looked_at_is_given_back(desk: AccountDesk) -> None:
    for _ in range(3 * OF_ACCOUNT.free):
        await count_password(desk, "alice", "192.0.2.1")
        await was_not_looked_at(desk, "alice", "192.0.2.1")
