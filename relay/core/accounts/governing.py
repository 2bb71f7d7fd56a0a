"""What admins do with others. Nobody gives or takes away a role above what they may appoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting, assert_may_appoint
from relay.errors import NoSuch
from relay.identity import User
from relay.model import Limits, Principal, Role
from relay.store import sessions, users
from relay.store.changing import reading
from relay.store.database import Transaction
from relay.store.users import NewUser, UserChange


@dataclass(frozen=True, slots=True)
class Adding:
    """A user that an admin makes."""

    username: str
    email: str
    password: str
    role: Role
    is_active: bool = True
    limits: Limits | None = None
    """None: those of `auth.default_limits`."""


async def page(desk: AccountDesk, *, offset: int, limit: int) -> tuple[Sequence[User], int]:
    """Some of the users, and how many there are."""
    async with reading(desk.engine) as connection:
        return await users.page(connection, offset=offset, limit=limit)


async def add(desk: AccountDesk, principal: Principal, asked: Adding, client_ip: str) -> User:
    """Raises Forbidden, Conflict, InvalidRequest."""
    assert_may_appoint(principal, asked.role)
    desk.assert_free(asked.username)
    password_hash = await desk.hasher.accept(asked.password, asked.username, asked.email, param="password")
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        assert_may_appoint(principal, asked.role)
        limits = desk.limits_of_new(asked.role) if asked.limits is None else asked.limits
        new = NewUser(asked.username, asked.email, password_hash, asked.role, asked.is_active, limits)
        user = await users.add(change, new)
        await change.audited("user_added", user.username, role=user.role.name.lower())
    return user


async def change_user(
    desk: AccountDesk, principal: Principal, user_id: int, wanted: UserChange, client_ip: str
) -> User:
    """Raises Forbidden, NoSuch, Conflict."""
    if wanted == UserChange():
        return await _unchanged(desk, principal, user_id)
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        before = await _subject(change.connection, principal, user_id)
        if wanted.role is not None and wanted.role is not before.role:
            assert_may_appoint(principal, wanted.role)
        changed = await users.update(change, user_id, wanted)
        if wanted.is_active is False:
            await sessions.end_all_of(change, user_id)
        await change.audited("user_changed", before.username, **_told(wanted))
    return changed or before


async def reset_password(desk: AccountDesk, principal: Principal, user_id: int, password: str, client_ip: str) -> None:
    """Every session of the user ends. Raises Forbidden, NoSuch, InvalidRequest."""
    async with reading(desk.engine) as transaction:
        user = await users.get(transaction, user_id)
    known = () if user is None else (user.username, user.email)
    password_hash = await desk.hasher.accept(password, *known, param="password")
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        before = await _subject(change.connection, principal, user_id)
        await users.update(change, user_id, UserChange(password_hash=password_hash))
        ended = await sessions.end_all_of(change, user_id)
        await change.audited("password_reset", before.username, sessions=ended)


async def delete(desk: AccountDesk, principal: Principal, user_id: int, client_ip: str) -> None:
    """With keys and sessions; records of calls stay. Raises Forbidden, NoSuch, Conflict."""
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        before = await _subject(change.connection, principal, user_id)
        await users.delete(change, user_id)
        await change.audited("user_deleted", before.username)


async def _unchanged(desk: AccountDesk, principal: Principal, user_id: int) -> User:
    async with reading(desk.engine) as transaction:
        return await _subject(transaction, principal, user_id)


async def _subject(transaction: Transaction, principal: Principal, user_id: int) -> User:
    """Whom it is about, as the transaction sees them. Raises NoSuch, Forbidden."""
    user = await users.get(transaction, user_id)
    if user is None:
        raise NoSuch("user", user_id)
    if user.role > Role.USER and principal.user_id != user.id:
        assert_may_appoint(principal, user.role)  # Who may not make an admin may not unmake one either.
    return user


def _told(wanted: UserChange) -> dict[str, object]:
    told: dict[str, object] = {}
    if wanted.role is not None:
        told["role"] = wanted.role.name.lower()
    if wanted.is_active is not None:
        told["is_active"] = wanted.is_active
    if wanted.email is not None:
        told["email"] = "changed"
    if wanted.limits is not None:
        told["limits"] = "changed"
    return told
