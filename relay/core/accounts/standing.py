"""Who acts, as the store has it at the moment of the act.

A credential is looked at when a request's head arrives; its body may take half a minute and its password a second. What
was taken away meanwhile is not there any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.errors import Forbidden, Unauthorized
from relay.identity import Act, User
from relay.model import Principal, Role
from relay.store import sessions, users
from relay.store.changing import Change, changing


@asynccontextmanager
async def acting(
    desk: AccountDesk, principal: Principal, client_ip: str, *, least: Role = Role.USER
) -> AsyncIterator[tuple[Change, Principal]]:
    """A change by somebody, and who they are at this moment; followed here by the time that it is left.

    Raises Unauthorized, Forbidden, TooManyRequests, StoreError.
    """
    await throttling.count_act(desk, principal.user_id)
    async with defending(desk, principal, client_ip, least=least) as found:
        yield found


@asynccontextmanager
async def defending(
    desk: AccountDesk, principal: Principal, client_ip: str, *, least: Role = Role.USER
) -> AsyncIterator[tuple[Change, Principal]]:
    """The same for what takes something away from whoever may have stolen it: no number of acts keeps it waiting."""
    async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
        yield change, await standing(change, principal, least=least)
    await desk.directory.catch_up()


async def standing(change: Change, principal: Principal, *, least: Role = Role.USER) -> Principal:
    """The principal with the role of this moment. Raises Unauthorized, or Forbidden for less than `least`."""
    if principal.user_id is not None:
        user = await users.get(change.connection, principal.user_id)
        if user is None or not user.is_active:
            raise Unauthorized
        if principal.session_id is not None and not await sessions.lives(change.connection, principal.session_id):
            raise Unauthorized
        principal = replace(principal, role=user.role)
    if principal.role < least:
        raise Forbidden(f"This needs the role {least.name.lower()}.")
    return principal


def own_id(principal: Principal) -> int:
    """The user's number. Raises Forbidden for the operator, who has no account."""
    if principal.user_id is None:
        raise Forbidden("This needs the account of a user: an access key has none.")
    return principal.user_id


def own_user(desk: AccountDesk, principal: Principal) -> User:
    """The user. Raises Forbidden for the operator."""
    user = desk.directory.user(own_id(principal))
    if user is None:
        raise Forbidden("This account is gone.")
    return user


def assert_may_appoint(principal: Principal, role: Role) -> None:
    """Users are made by admins, admins and super admins by super admins alone: the access key is none.

    Raises Forbidden.
    """
    if role > Role.USER and principal.role < Role.SUPER_ADMIN:
        raise Forbidden(f"Only a super admin may do this to somebody with the role {role.name.lower()}.")
