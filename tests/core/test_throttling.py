"""Many at once are many: what is counted is counted one behind the other, in both stores."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa

from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.logging_in import LoggingIn, log_in
from relay.core.accounts.registering import Registering, register
from relay.core.accounts.throttling import count_act, count_password, count_registration, was_not_looked_at
from relay.core.passwords import PasswordHasher, cost_of, open_hasher
from relay.core.throttle import OF_ACCOUNT, OF_ACTS, OF_REGISTRATIONS, Rule
from relay.errors import TooManyRequests, WrongPassword
from relay.model import Principal, Role
from relay.store import tables, users
from relay.store.changing import reading
from tests.support.accounts import STORES, accounts_in, new_store, store_url
from tests.support.running import configuration
from tests.web.accounts.client import PASSWORD, Calendar

COST = 4
OPERATOR = Principal("access-key", Role.ADMIN)


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


@pytest.fixture(params=STORES)
async def ticking_desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountDesk]:
    """Its clock goes on by a millisecond each time it is looked at, as clocks do."""
    new_store(tmp_path)
    moments = (datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(milliseconds=tick) for tick in itertools.count())
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(store_url(request.param))
        config = configuration(auth={"registration": "open"}, database={"url": url})
        yield await stack.enter_async_context(accounts_in(tmp_path, config, lambda: next(moments)))


async def registered(desk: AccountDesk, name: str) -> None:
    await register(desk, Registering(name, f"{name}@example.org", PASSWORD, None, None, "test"), None, "192.0.2.1")


async def test_right_passwords_at_the_same_moment_keep_nobody_waiting(ticking_desk: AccountDesk) -> None:
    names = ["anna", "bert", "carl"]
    await asyncio.gather(*(registered(ticking_desk, name) for name in names))
    logins = (log_in(ticking_desk, LoggingIn(name, PASSWORD, "test"), "192.0.2.1") for name in names * 3)
    answers = await asyncio.gather(*logins)
    assert sorted(answer.user.username for answer in answers) == sorted(names * 3)


async def test_right_passwords_at_the_same_moment_are_right_though_one_of_them_renews_the_hash(
    desk: AccountDesk, tmp_path: Path
) -> None:
    await register(desk, Registering("anna", "anna@example.org", PASSWORD, None, None, "test"), OPERATOR, "-")
    async with open_hasher(COST + 1, threads=2) as dearer:
        raised = replace(desk, hasher=dearer)
        answers = await asyncio.gather(*(log_in(raised, LoggingIn("anna", PASSWORD, "test"), "-") for _ in range(4)))
    assert [answer.user.username for answer in answers] == ["anna"] * 4
    async with reading(desk.engine) as transaction:
        found = await users.find(transaction, "anna")
    assert found is not None
    assert cost_of(found[1]) == COST + 1


async def failed(desk: AccountDesk, login: str, client_ip: str, times: int) -> list[str]:
    """How so many wrong log-ins end."""
    ends = []
    for _ in range(times):
        with pytest.raises((WrongPassword, TooManyRequests)) as caught:
            await log_in(desk, LoggingIn(login, "wrong password", "test"), client_ip)
        ends.append(type(caught.value).__name__)
    return ends


async def test_an_account_is_counted_by_whichever_of_its_names(desk: AccountDesk) -> None:
    await register(desk, Registering("anna", "anna@example.org", PASSWORD, None, None, "test"), OPERATOR, "-")
    assert await failed(desk, "anna", "192.0.2.1", 5) == ["WrongPassword"] * 5
    assert await failed(desk, "Anna@Example.org", "192.0.2.1", 6) == ["WrongPassword"] * 5 + ["TooManyRequests"]


async def test_who_guesses_elsewhere_does_not_lock_the_owner_out(desk: AccountDesk) -> None:
    await register(desk, Registering("anna", "anna@example.org", PASSWORD, None, None, "test"), OPERATOR, "-")
    await failed(desk, "anna", "203.0.113.9", 12)
    answer = await log_in(desk, LoggingIn("anna", PASSWORD, "test"), "192.0.2.1")
    assert answer.user.username == "anna"


async def test_failures_are_counted_through_a_restart(tmp_path: Path) -> None:
    new_store(tmp_path)
    calendar = Calendar()
    async with accounts_in(tmp_path, configuration(), calendar) as before:
        assert await failed(before, "nobody", "192.0.2.1", 10) == ["WrongPassword"] * 10
    async with accounts_in(tmp_path, configuration(), calendar) as behind:
        assert await failed(behind, "nobody", "192.0.2.1", 1) == ["TooManyRequests"]


async def test_a_password_that_nobody_looked_at_is_no_try(desk: AccountDesk) -> None:
    async def is_full(password: str, known: str | None) -> bool:
        raise TooManyRequests("Too many passwords are being checked", retry_after_s=2)

    full = replace(desk, hasher=cast(PasswordHasher, SimpleNamespace(is_right=is_full)))
    assert await failed(full, "nobody", "192.0.2.1", 40) == ["TooManyRequests"] * 40
    assert await failed(desk, "nobody", "192.0.2.1", 1) == ["WrongPassword"]


async def test_the_acts_of_a_user_are_counted_and_those_of_the_operator_are_not(
    desk: AccountDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Rule(600, timedelta(minutes=10)) == OF_ACTS
    monkeypatch.setattr("relay.core.accounts.throttling.OF_ACTS", Rule(3, OF_ACTS.within))
    for _ in range(3):
        await count_act(desk, 5)
    with pytest.raises(TooManyRequests):
        await count_act(desk, 5)
    await count_act(desk, 6)
    for _ in range(4):
        await count_act(desk, None)


async def test_names_that_nobody_has_are_kept_under_a_key_of_ours(desk: AccountDesk) -> None:
    await failed(desk, "hunter2-in-the-wrong-field", "192.0.2.1", 1)
    async with reading(desk.engine) as transaction:
        kept = [
            row
            for table in (tables.throttles, tables.audit)
            for row in (await transaction.execute(sa.select(table))).mappings()
        ]
    digest = hashlib.sha256(b"hunter2-in-the-wrong-field").hexdigest()
    assert len(kept) == 3
    assert [row for row in kept if digest[:12] in str(row) or "hunter2" in str(row)] == []


async def test_what_was_not_looked_at_is_given_back(desk: AccountDesk) -> None:
    for _ in range(3 * OF_ACCOUNT.free):
        await count_password(desk, "alice", "192.0.2.1")
        await was_not_looked_at(desk, "alice", "192.0.2.1")
