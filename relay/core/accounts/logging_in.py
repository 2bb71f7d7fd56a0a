"""Names and passwords: the same answer in the same time for unknown, wrong and inactive, and not too often."""

from __future__ import annotations

from dataclasses import dataclass

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import standing
from relay.core.accounts.tokens import TokenAnswer, open_session
from relay.core.credentials import digest_of
from relay.errors import Forbidden, TooManyRequests, WrongPassword
from relay.identity import Act, User
from relay.model import Principal
from relay.store import sessions, users
from relay.store.changing import Change, changing, reading
from relay.store.users import UserChange


@dataclass(frozen=True, slots=True)
class LoggingIn:
    """What somebody presents."""

    login: str
    password: str
    user_agent: str


async def log_in(desk: AccountDesk, asked: LoggingIn, client_ip: str) -> TokenAnswer:
    """Tokens. Raises WrongPassword, or TooManyRequests."""
    await throttling.count_password(desk, asked.login, client_ip)
    async with reading(desk.engine) as connection:
        found = await users.find(connection, asked.login)
    try:
        is_right = await desk.hasher.is_right(asked.password, None if found is None else found[1])
        is_right = is_right and found is not None and found[0].is_active
        renewed = await desk.hasher.renewed(asked.password, found[1]) if is_right and found is not None else None
    except TooManyRequests:
        await throttling.was_not_looked_at(desk, asked.login, client_ip)  # Nobody has looked at the password.
        raise
    name = found[0].username if found is not None else f"unknown {digest_of(asked.login)[:12]}"
    async with changing(desk.engine, Act(name, client_ip, desk.now())) as change:
        answer = None
        if is_right and found is not None:
            answer = await _opened(desk, change, found, renewed, asked, client_ip)
        await change.audited("login_failed" if answer is None else "login", name)
    if answer is None:
        raise WrongPassword
    await desk.directory.catch_up()
    return answer


async def _opened(
    desk: AccountDesk, change: Change, found: tuple[User, str], renewed: str | None, asked: LoggingIn, client_ip: str
) -> TokenAnswer | None:
    """The session; None where the user was changed while the password was compared."""
    now = await users.with_hash(change.connection, found[0].id)
    if now is None or not now[0].is_active or now[1] != found[1]:
        return None
    await throttling.was_right(change.connection, asked.login, client_ip, change.act.at)
    if renewed is not None:
        await users.update(change, now[0].id, UserChange(password_hash=renewed))
    return await open_session(desk, change, now[0], asked.user_agent)


async def log_out(desk: AccountDesk, principal: Principal, refresh_token_digest: str | None, *, client_ip: str) -> None:
    """End the session of the access token that is used, and that of a refresh token of the same user."""
    async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
        await standing(change, principal)
        ending = {principal.session_id} - {None}
        if refresh_token_digest is not None:
            ending |= {await sessions.of_token(change.connection, refresh_token_digest, principal.user_id)} - {None}
        await sessions.end(change, [session_id for session_id in ending if session_id is not None])
        await change.audited("logout", principal.name)
    await desk.directory.catch_up()


async def log_out_everywhere(desk: AccountDesk, principal: Principal, *, client_ip: str) -> None:
    """End every session of the user."""
    user_id = own_id(principal)
    async with changing(desk.engine, Act(principal.name, client_ip, desk.now())) as change:
        await standing(change, principal)
        ended = await sessions.end_all_of(change, user_id)
        await change.audited("logout_all", principal.name, sessions=ended)
    await desk.directory.catch_up()


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
