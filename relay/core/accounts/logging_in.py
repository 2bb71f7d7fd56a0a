"""Names and passwords: the same answer in the same time for unknown, wrong and inactive, and not too often."""

from __future__ import annotations

from dataclasses import dataclass

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import defending, own_id
from relay.core.accounts.tokens import TokenAnswer, open_session
from relay.errors import TooManyRequests, WrongPassword
from relay.identity import Act, User
from relay.model import Principal
from relay.store import sessions, users
from relay.store.changing import changing, reading
from relay.store.users import UserChange

UNKNOWN = "unknown"
"""Whoever logs in by a name that nobody has, in the audit log: it may be a password in the wrong field."""


@dataclass(frozen=True, slots=True)
class LoggingIn:
    """What somebody presents."""

    login: str
    password: str
    user_agent: str


async def log_in(desk: AccountDesk, asked: LoggingIn, client_ip: str) -> TokenAnswer:
    """Tokens. Raises WrongPassword, or TooManyRequests."""
    found = await _found(desk, asked)
    account = throttling.account_of(desk, asked.login, None if found is None else found[0])
    await throttling.count_password(desk, account, client_ip)
    try:
        answer = await _compared(desk, asked, found, account, client_ip)
        if answer is None and (now := await _found(desk, asked)) != found:
            answer = await _compared(desk, asked, now, account, client_ip)  # Another hash of the same password, maybe.
    except TooManyRequests:
        await throttling.was_not_looked_at(desk, account, client_ip)  # Nobody has looked at the password.
        raise
    if answer is None:
        name = UNKNOWN if found is None else found[0].username
        async with changing(desk.engine, Act(name, client_ip, desk.now())) as change:
            await change.audited("login_failed", name)
        raise WrongPassword
    await desk.directory.catch_up()
    return answer


async def _found(desk: AccountDesk, asked: LoggingIn) -> tuple[User, str] | None:
    async with reading(desk.engine) as transaction:
        return await users.find(transaction, asked.login)


async def _compared(
    desk: AccountDesk, asked: LoggingIn, found: tuple[User, str] | None, account: str, client_ip: str
) -> TokenAnswer | None:
    """The session of a right password; None: it is wrong, or the user was changed while it was compared."""
    is_right = await desk.hasher.is_right(asked.password, None if found is None else found[1])
    if not is_right or found is None or not found[0].is_active:
        return None
    user, known = found
    renewed = await desk.hasher.renewed(asked.password, known)
    async with changing(desk.engine, Act(user.username, client_ip, desk.now())) as change:
        if await users.find(change.connection, asked.login) != found:
            return None
        await throttling.was_right(change.connection, account, client_ip)
        if renewed is not None:
            await users.update(change, user.id, UserChange(password_hash=renewed))
        await change.audited("login", user.username)
        return await open_session(desk, change, user, asked.user_agent)


async def log_out(desk: AccountDesk, principal: Principal, refresh_token_digest: str | None, *, client_ip: str) -> None:
    """End the session of the access token that is used, and that of a refresh token of the same user."""
    async with defending(desk, principal, client_ip) as (change, _):
        ending = {principal.session_id} - {None}
        if refresh_token_digest is not None:
            ending |= {await sessions.of_token(change.connection, refresh_token_digest, principal.user_id)} - {None}
        await sessions.end(change, [session_id for session_id in ending if session_id is not None])
        await change.audited("logout", principal.name)


async def log_out_everywhere(desk: AccountDesk, principal: Principal, *, client_ip: str) -> None:
    """End every session of the user."""
    user_id = own_id(principal)
    async with defending(desk, principal, client_ip) as (change, _):
        ended = await sessions.end_all_of(change, user_id)
        await change.audited("logout_all", principal.name, sessions=ended)
