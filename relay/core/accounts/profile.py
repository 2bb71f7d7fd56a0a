"""What users change about themselves."""

from __future__ import annotations

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting, defending, own_user
from relay.errors import Conflict, InvalidRequest, TooManyRequests
from relay.identity import Act, User
from relay.model import Principal
from relay.store import sessions, users
from relay.store.changing import changing, reading, writing
from relay.store.users import UserChange


async def change_email(desk: AccountDesk, principal: Principal, email: str, client_ip: str) -> User:
    """Raises Conflict where the address is taken, Forbidden for the operator."""
    user = own_user(desk, principal)
    async with acting(desk, principal, client_ip) as (change, _):
        changed = await users.update(change, user.id, UserChange(email=email))
        await change.audited("change_email", user.username)
    return changed or user


async def change_password(desk: AccountDesk, principal: Principal, old: str, new: str, client_ip: str) -> None:
    """Every other session ends. Raises InvalidRequest for a wrong old one or a new one that is none, TooManyRequests,
    and Conflict where it was changed at the same moment."""
    user = own_user(desk, principal)
    known = await _old_is_right(desk, principal, user, old, client_ip)
    new_hash = await desk.hasher.accept(new, user.username, user.email, param="new_password")
    async with defending(desk, principal, client_ip) as (change, _):
        now = await users.with_hash(change.connection, user.id)
        if now is None or now[1] != known:
            raise Conflict("The password was changed at the same moment: look which one holds, and try again.")
        await users.update(change, user.id, UserChange(password_hash=new_hash))
        ended = await sessions.end_all_of(change, user.id, but=principal.session_id)
        await change.audited("change_password", user.username, sessions=ended)


async def _old_is_right(desk: AccountDesk, principal: Principal, user: User, old: str, client_ip: str) -> str:
    """The hash that the old password is of. Raises InvalidRequest, TooManyRequests.

    It is counted as at a log-in: whoever has stolen an access token must not find the password here.
    """
    account = throttling.account_of(desk, user.username, user)
    await throttling.count_password(desk, account, client_ip)
    async with reading(desk.engine) as connection:
        known = await users.with_hash(connection, user.id)
    try:
        is_right = await desk.hasher.is_right(old, None if known is None else known[1])
    except TooManyRequests:
        await throttling.was_not_looked_at(desk, account, client_ip)
        raise
    if not is_right or known is None:
        async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
            await change.audited("change_password_failed", user.username)
        raise InvalidRequest("'old_password' is not right.", param="old_password")
    async with writing(desk.engine) as transaction:
        await throttling.was_right(transaction, account, client_ip)
    return known[1]
