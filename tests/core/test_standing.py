"""What is taken away while an act is on its way is not there when it is carried out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from relay.core.access_keys import AccessKeys
from relay.core.accounts import governing, inviting, keys, logging_in, profile
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.governing import Adding
from relay.core.accounts.logging_in import LoggingIn
from relay.core.accounts.registering import Registering, register
from relay.core.accounts.tokens import TokenAnswer
from relay.core.credentials import Credentials
from relay.core.passwords import PasswordHasher
from relay.errors import Forbidden, InvalidRequest, Unauthorized, WrongPassword
from relay.model import Limits, Principal, Role
from relay.store.users import UserChange
from tests.support.accounts import STORES, accounts_in, new_store, store_url
from tests.support.running import configuration
from tests.web.accounts.client import PASSWORD, SECOND_PASSWORD, Calendar

OPERATOR = Principal("access-key", Role.ADMIN)
CLI = Principal("cli", Role.SUPER_ADMIN)


@pytest.fixture(params=STORES)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountDesk]:
    new_store(tmp_path)
    async with store_url(request.param) as url:
        config = configuration(auth={"registration": "open"}, database={"url": url})
        async with accounts_in(tmp_path, config, Calendar()) as made:
            yield made


class Meanwhile:
    """A hasher during whose work something else happens, once."""

    def __init__(self, hasher: PasswordHasher, happens: Callable[[], Awaitable[object]], renewed: str | None) -> None:
        self._hasher = hasher
        self._happens = happens
        self._renewed = renewed
        self._has_happened = False

    async def is_right(self, password: str, known: str | None) -> bool:
        is_right = await self._hasher.is_right(password, known)
        if not self._has_happened:
            self._has_happened = True
            await self._happens()
        return is_right

    async def renewed(self, password: str, known: str) -> str | None:
        return self._renewed

    async def accept(self, password: str, *known: str, param: str) -> str:
        return await self._hasher.accept(password, *known, param=param)


def during(desk: AccountDesk, happens: Callable[[], Awaitable[object]], renewed: str | None = None) -> AccountDesk:
    return replace(desk, hasher=cast(PasswordHasher, Meanwhile(desk.hasher, happens, renewed)))


async def registered(desk: AccountDesk, name: str, principal: Principal | None = None) -> TokenAnswer:
    asked = Registering(name, f"{name}@example.org", PASSWORD, None, None, "test")
    _, answer = await register(desk, asked, principal, "-")
    assert answer is not None
    return answer


def principal_of(desk: AccountDesk, answer: TokenAnswer) -> Principal:
    found = Credentials(AccessKeys(configuration()), desk.signer, desk.directory).match(answer.access_token, desk.now())
    assert found is not None
    return found


async def log_in(desk: AccountDesk, password: str = PASSWORD) -> TokenAnswer:
    return await logging_in.log_in(desk, LoggingIn("alice", password, "test"), "-")


async def test_a_log_in_that_overlaps_another_password_is_none(desk: AccountDesk) -> None:
    alice = await registered(desk, "alice")
    slow = during(desk, lambda: governing.reset_password(desk, CLI, alice.user.id, SECOND_PASSWORD, "-"), "an old hash")
    with pytest.raises(WrongPassword):
        await log_in(slow)
    assert (await log_in(desk, SECOND_PASSWORD)).user == alice.user


@pytest.mark.parametrize("what", ["switched off", "deleted"])
async def test_a_log_in_that_overlaps_the_end_of_its_user_is_none(desk: AccountDesk, what: str) -> None:
    alice = await registered(desk, "alice")

    async def happens() -> None:
        if what == "deleted":
            await governing.delete(desk, CLI, alice.user.id, "-")
        else:
            await governing.change_user(desk, CLI, alice.user.id, UserChange(is_active=False), "-")

    with pytest.raises(WrongPassword):
        await log_in(during(desk, happens))


async def test_a_password_change_does_not_undo_another(desk: AccountDesk) -> None:
    alice = await registered(desk, "alice")
    principal = principal_of(desk, alice)
    slow = during(desk, lambda: governing.reset_password(desk, CLI, alice.user.id, SECOND_PASSWORD, "-"))
    with pytest.raises((InvalidRequest, Unauthorized)):
        await profile.change_password(slow, principal, PASSWORD, "a third password", "-")
    assert (await log_in(desk, SECOND_PASSWORD)).user == alice.user


async def test_who_was_dismissed_meanwhile_governs_no_more(desk: AccountDesk) -> None:
    root, other = await registered(desk, "root", OPERATOR), await registered(desk, "other")
    stale = principal_of(desk, root)
    await governing.change_user(desk, CLI, other.user.id, UserChange(role=Role.SUPER_ADMIN), "-")
    await governing.change_user(desk, CLI, root.user.id, UserChange(role=Role.USER), "-")
    for act in (
        governing.add(desk, stale, Adding("eve", "eve@example.org", PASSWORD, Role.USER), "-"),
        governing.change_user(desk, stale, other.user.id, UserChange(role=Role.USER), "-"),
        governing.delete(desk, stale, other.user.id, "-"),
        inviting.make(desk, stale, Role.USER, timedelta(days=1), "-"),
    ):
        with pytest.raises(Forbidden):
            await act


async def test_who_was_switched_off_or_logged_out_meanwhile_can_do_nothing(desk: AccountDesk) -> None:
    alice = await registered(desk, "alice")
    stale = principal_of(desk, alice)
    await logging_in.log_out(desk, stale, None, client_ip="-")
    for act in (
        keys.make(desk, stale, "key", Limits(), None, "-"),
        profile.change_email(desk, stale, "new@example.org", "-"),
        logging_in.log_out_everywhere(desk, stale, client_ip="-"),
    ):
        with pytest.raises(Unauthorized):
            await act
    again = principal_of(desk, await log_in(desk))
    await governing.change_user(desk, CLI, alice.user.id, UserChange(is_active=False), "-")
    with pytest.raises(Unauthorized):
        await keys.make(desk, again, "key", Limits(), None, "-")


@pytest.mark.parametrize(
    "change", [UserChange(role=Role.ADMIN), UserChange(role=Role.USER), UserChange(is_active=False)]
)
async def test_an_invite_is_worth_what_its_maker_may_do(desk: AccountDesk, change: UserChange) -> None:
    root, other = await registered(desk, "root", OPERATOR), await registered(desk, "other")
    await governing.change_user(desk, CLI, other.user.id, UserChange(role=Role.SUPER_ADMIN), "-")
    maker = principal_of(desk, root)
    made = [await inviting.make(desk, maker, role, timedelta(days=1), "-") for role in (Role.SUPER_ADMIN, Role.USER)]
    await governing.change_user(desk, CLI, root.user.id, change, "-")
    outcomes: list[Role | None] = []
    for number, invite in enumerate(made):
        asked = Registering(f"eve{number}", f"eve{number}@example.org", PASSWORD, invite.code, None, "test")
        try:
            outcomes.append((await register(desk, asked, None, "-"))[0].role)
        except Forbidden:
            outcomes.append(None)
    assert outcomes == [None, Role.USER if change.role is Role.ADMIN else None]
