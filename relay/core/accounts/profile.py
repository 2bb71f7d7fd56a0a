"""What users change about themselves."""

from __future__ import annotations

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.logging_in import own_user
from relay.core.accounts.standing import standing
from relay.errors import InvalidRequest, TooManyRequests
from relay.identity import Act, User
from relay.model import Principal
from relay.store import sessions, users
from relay.store.changing import changing, reading, writing
from relay.store.users import UserChange

_WRONG = "'old_password' is not right."


async def change_email(desk: AccountDesk, principal: Principal, email: str, client_ip: str) -> User:
    """Raises Conflict where the address is taken, Forbidden for the operator."""
    user = own_user(desk, principal)
    async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
        await standing(change, principal)
        changed = await users.update(change, user.id, UserChange(email=email))
        await change.audited("change_email", user.username)
    await desk.directory.catch_up()
    return changed or user


async def change_password(desk: AccountDesk, principal: Principal, old: str, new: str, client_ip: str) -> None:
    """Every other session ends. Raises InvalidRequest for a wrong old one or a new one that is none; TooManyRequests.

    Whoever has stolen an access token must not find the password here.
    """
    user = own_user(desk, principal)
    await throttling.count_password(desk, user.username, client_ip)
    async with reading(desk.engine) as connection:
        known = await users.with_hash(connection, user.id)
    try:
        is_right = await desk.hasher.is_right(old, None if known is None else known[1])
    except TooManyRequests:
        await throttling.was_not_looked_at(desk, user.username, client_ip)
        raise
    if not is_right:
        async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
            await change.audited("change_password_failed", user.username)
        raise InvalidRequest(_WRONG, param="old_password")
    async with writing(desk.engine) as transaction:
        await throttling.was_right(transaction, user.username, client_ip, desk.now())
    new_hash = await desk.hasher.accept(new, user.username, user.email, param="new_password")
    async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
        await standing(change, principal)
        now = await users.with_hash(change.connection, user.id)
        if now is None or known is None or now[1] != known[1]:
            raise InvalidRequest(_WRONG, param="old_password")  # It was changed while it was compared.
        await users.update(change, user.id, UserChange(password_hash=new_hash))
        ended = await sessions.end_all_of(change, user.id, but=principal.session_id)
        await change.audited("change_password", user.username, sessions=ended)
    await desk.directory.catch_up()
