"""Users as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import Conflict
from relay.identity import User
from relay.model import Limits, Role
from relay.store.changing import USER, Change
from relay.store.tables import users


@dataclass(frozen=True, slots=True)
class NewUser:
    """What becomes a user."""

    username: str
    email: str
    password_hash: str
    role: Role
    is_active: bool
    limits: Limits


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different; None: it stays."""

    role: Role | None = None
    is_active: bool | None = None
    email: str | None = None
    limits: Limits | None = None
    password_hash: str | None = None


async def add(change: Change, new: NewUser) -> User:
    """Add one. Raises Conflict where the name or the e-mail address is taken, having added none."""
    await _assert_free(change.connection, new.username, new.email)
    row = {
        "username": new.username,
        "username_folded": folded(new.username),
        "email": new.email,
        "email_folded": folded(new.email),
        "password_hash": new.password_hash,
        "role": new.role.value,
        "is_active": new.is_active,
        "limits": written(new.limits),
        "created_at_us": change.act.at,
    }
    try:
        added = await change.connection.execute(sa.insert(users).values(**row).returning(users))
    except IntegrityError as error:
        raise Conflict("This name or e-mail address is taken.", code="taken") from error
    user = user_of(added.one())
    await change.touched(USER, user.id)
    return user


async def _assert_free(connection: AsyncConnection, username: str, email: str) -> None:
    """A name must not be somebody's e-mail address either, since both log in."""
    names = [folded(username), folded(email)]
    taken = sa.select(users.c.username_folded, users.c.email_folded).where(
        users.c.username_folded.in_(names) | users.c.email_folded.in_(names)
    )
    for row in await connection.execute(taken):
        is_name = row.username_folded == names[0]
        param = "username" if is_name else "email"
        raise Conflict(f"This {'name' if is_name else 'e-mail address'} is taken.", param=param, code="taken")


async def get(connection: AsyncConnection, user_id: int) -> User | None:
    """One; None: there is none of this number."""
    found = await with_hash(connection, user_id)
    return None if found is None else found[0]


async def with_hash(connection: AsyncConnection, user_id: int) -> tuple[User, str] | None:
    """One, with the hash of the password; None: there is none of this number."""
    return await _one(connection, users.c.id == user_id)


async def find(connection: AsyncConnection, login: str) -> tuple[User, str] | None:
    """By name or e-mail address, with the hash of the password."""
    name = folded(login)
    return await _one(connection, (users.c.username_folded == name) | (users.c.email_folded == name))


async def _one(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> tuple[User, str] | None:
    row = (await connection.execute(sa.select(users).where(condition))).one_or_none()
    return None if row is None else (user_of(row), row.password_hash)


async def page(connection: AsyncConnection, *, offset: int, limit: int) -> tuple[Sequence[User], int]:
    """Some of them in the order of their numbers, and how many there are."""
    total = (await connection.execute(sa.select(sa.func.count()).select_from(users))).scalar_one()
    rows = await connection.execute(sa.select(users).order_by(users.c.id).offset(offset).limit(limit))
    return [user_of(row) for row in rows], total


async def update(change: Change, user_id: int, wanted: UserChange) -> User | None:
    """Change one; None: there is none. Raises Conflict: the address is taken, or nobody would be super admin."""
    values: dict[str, object] = {}
    if wanted.role is not None:
        values["role"] = wanted.role.value
    if wanted.is_active is not None:
        values["is_active"] = wanted.is_active
    if wanted.limits is not None:
        values["limits"] = written(wanted.limits)
    if wanted.password_hash is not None:
        values["password_hash"] = wanted.password_hash
    if wanted.email is not None:
        values |= {"email": wanted.email, "email_folded": folded(wanted.email)}
        await _assert_address_free(change.connection, user_id, wanted.email)
    if not values:
        return await get(change.connection, user_id)
    had_one = await has_super_admin(change.connection)
    statement = sa.update(users).where(users.c.id == user_id).values(**values).returning(users)
    row = (await change.connection.execute(statement)).one_or_none()
    if row is None:
        return None
    await _assert_governed(change.connection, had_one=had_one)
    await change.touched(USER, user_id)
    return user_of(row)


async def _assert_address_free(connection: AsyncConnection, user_id: int, email: str) -> None:
    name = folded(email)
    others = sa.select(users.c.id).where(
        (users.c.id != user_id) & ((users.c.username_folded == name) | (users.c.email_folded == name))
    )
    if (await connection.execute(others)).first() is not None:
        raise Conflict("This e-mail address is taken.", param="email", code="taken")


async def delete(change: Change, user_id: int) -> bool:
    """Delete one with all that is theirs; False: there is none. Raises Conflict for the last super admin."""
    had_one = await has_super_admin(change.connection)
    deleted = await change.connection.execute(sa.delete(users).where(users.c.id == user_id))
    if not deleted.rowcount:
        return False
    await _assert_governed(change.connection, had_one=had_one)
    await change.touched(USER, user_id)
    return True


async def has_super_admin(connection: AsyncConnection) -> bool:
    """Whether there is one who can log in."""
    wanted = sa.select(users.c.id).where((users.c.role == Role.SUPER_ADMIN.value) & users.c.is_active).limit(1)
    return (await connection.execute(wanted)).first() is not None


async def _assert_governed(connection: AsyncConnection, *, had_one: bool) -> None:
    if had_one and not await has_super_admin(connection):
        raise Conflict("The last super admin can't be demoted, deactivated or deleted.", code="last_super_admin")


def folded(name: str) -> str:
    """How names and addresses are compared."""
    return name.casefold()


def user_of(row: sa.Row[tuple[object, ...]]) -> User:
    """The value of a row of `users`."""
    return User(
        row.id, row.username, row.email, Role(row.role), row.is_active, row.created_at_us, read_limits(row.limits)
    )


def written(limits: Limits) -> str:
    """As the column holds them."""
    return orjson.dumps({"models": limits.models, "endpoints": limits.endpoints}).decode()


def read_limits(text: str) -> Limits:
    """And back."""
    document = orjson.loads(text)
    models, endpoints = document["models"], document["endpoints"]
    return Limits(None if models is None else tuple(models), None if endpoints is None else tuple(endpoints))
