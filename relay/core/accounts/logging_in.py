"""Names and passwords: the same answer in the same time for unknown, wrong and inactive, and not too often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relay.core import throttle
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import standing
from relay.core.accounts.tokens import TokenAnswer, open_session
from relay.core.credentials import digest_of
from relay.errors import Forbidden, TooManyRequests, WrongPassword
from relay.identity import Act, User
from relay.model import Principal
from relay.store import sessions, throttles, users
from relay.store.changing import Change, changing, reading, writing
from relay.store.database import Transaction
from relay.store.throttles import Failures, Scope
from relay.store.users import UserChange


@dataclass(frozen=True, slots=True)
class LoggingIn:
    """What somebody presents."""

    login: str
    password: str
    user_agent: str


async def log_in(desk: AccountDesk, asked: LoggingIn, client_ip: str) -> TokenAnswer:
    """Tokens. Raises WrongPassword, or TooManyRequests."""
    await _count(desk, asked.login, client_ip)
    async with reading(desk.engine) as connection:
        found = await users.find(connection, asked.login)
    try:
        is_right = await desk.hasher.is_right(asked.password, None if found is None else found[1])
        is_right = is_right and found is not None and found[0].is_active
        renewed = await desk.hasher.renewed(asked.password, found[1]) if is_right and found is not None else None
    except TooManyRequests:
        await _forgive(desk, asked.login, client_ip)  # Nobody has looked at the password.
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
    await _uncount(change.connection, asked.login, client_ip, change.act.at)
    if renewed is not None:
        await users.update(change, now[0].id, UserChange(password_hash=renewed))
    return await open_session(desk, change, now[0], asked.user_agent)


async def _count(desk: AccountDesk, login: str, client_ip: str) -> None:
    """Count a failure before it is one, so that many tries at once are many."""
    now, group = desk.now(), throttle.group_of(client_ip)
    account = _account(login, group)
    async with writing(desk.engine) as connection:
        of_account = await throttles.read(connection, Scope.ACCOUNT, account)
        of_address = await throttles.read(connection, Scope.ADDRESS, group)
        wait_s = max(throttle.wait_s(of_account, now), throttle.wait_s(of_address, now))
        if wait_s:
            raise TooManyRequests("Too many failed log-ins", retry_after_s=wait_s)
        await _write(connection, Scope.ACCOUNT, account, of_account, now, throttle.OF_ACCOUNT)
        await _write(connection, Scope.ADDRESS, group, of_address, now, throttle.OF_ADDRESS)


async def _write(
    connection: Transaction, scope: Scope, subject: str, known: Failures | None, now: datetime, rule: throttle.Rule
) -> None:
    await throttles.write(connection, scope, subject, throttle.failed(known, now, rule))


async def _forgive(desk: AccountDesk, login: str, client_ip: str) -> None:
    """One try less, of both."""
    group, now = throttle.group_of(client_ip), desk.now()
    async with writing(desk.engine) as connection:
        for scope, subject in ((Scope.ACCOUNT, _account(login, group)), (Scope.ADDRESS, group)):
            known = await throttles.read(connection, scope, subject)
            if known is not None:
                await throttles.write(connection, scope, subject, throttle.forgiven(known, now))


async def _uncount(connection: Transaction, login: str, client_ip: str, now: datetime) -> None:
    """It was none. The account's failures are forgotten, the address's others not: it may be guessing at accounts."""
    group = throttle.group_of(client_ip)
    await throttles.clear(connection, Scope.ACCOUNT, _account(login, group))
    known = await throttles.read(connection, Scope.ADDRESS, group)
    if known is not None:
        await throttles.write(connection, Scope.ADDRESS, group, throttle.forgiven(known, now))


def _account(login: str, group: str) -> str:
    """A digest: people type passwords into the wrong field."""
    return digest_of(f"{users.folded(login)} {group}")


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
