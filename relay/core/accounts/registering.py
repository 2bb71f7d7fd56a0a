"""Who becomes a user, with which role, and who is the first super admin.

The first super admin is whoever saw the process start (the set-up token) or holds an access key, and nobody else: from
behind a proxy every stranger comes from this machine. The rule is decided within the transaction, so that of two at
once one is.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.tokens import TokenAnswer, open_session
from relay.core.credentials import digest_of
from relay.errors import Forbidden
from relay.identity import Act, User
from relay.model import Principal, Role
from relay.store import invites, users
from relay.store.changing import Change, changing, reading
from relay.store.users import NewUser

_NO_INVITE = "This invite is not valid: it is unknown, used or expired."


@dataclass(frozen=True, slots=True)
class Registering:
    """What somebody asks for."""

    username: str
    email: str
    password: str
    invite: str | None
    set_up_token: str | None
    user_agent: str


async def register(
    desk: AccountDesk, asked: Registering, principal: Principal | None, client_ip: str
) -> tuple[User, TokenAnswer | None]:
    """The new user; no tokens while it waits for an admin.

    Raises Forbidden, Conflict, InvalidRequest, TooManyRequests.
    """
    operator = principal if principal is not None and principal.user_id is None else None
    has_token = asked.set_up_token is not None and desk.set_up.is_right(asked.set_up_token)
    if operator is None and not has_token:
        await _assert_admitted_stranger(desk, asked, client_ip)
    desk.assert_free(asked.username)
    password_hash = await desk.hasher.accept(asked.password, asked.username, asked.email, param="password")
    actor = asked.username if operator is None else operator.name
    async with changing(desk.engine, Act(actor, client_ip, desk.now())) as change:
        may_set_up = has_token or operator is not None
        role, is_active = await _terms(desk, change, asked, may_set_up=may_set_up)
        new = NewUser(asked.username, asked.email, password_hash, role, is_active, desk.limits_of_new(role))
        user = await users.add(change, new)
        way = _way(asked, operator)
        await change.audited("register", user.username, role=role.name.lower(), is_active=is_active, by=way)
        answer = await open_session(desk, change, user, asked.user_agent) if is_active else None
    await desk.directory.catch_up()
    return user, answer


async def _assert_admitted_stranger(desk: AccountDesk, asked: Registering, client_ip: str) -> None:
    """Before anything is hashed, or said of names. Raises Forbidden, TooManyRequests."""
    if asked.set_up_token is None:
        _assert_admitted(desk.registration, asked.invite)
    await throttling.count_registration(desk, client_ip)
    if asked.set_up_token is not None:
        async with changing(desk.engine, Act("-", client_ip, desk.now())) as change:
            await change.audited("set_up_token_refused", "-")
        raise Forbidden("The set-up token is not valid.")
    if asked.invite is not None:
        async with reading(desk.engine) as transaction:
            if not await invites.is_usable(transaction, digest_of(asked.invite), desk.now()):
                raise Forbidden(_NO_INVITE)  # It is used up later, within the transaction.


def _way(asked: Registering, operator: Principal | None) -> str:
    """By what somebody became a user, for the audit log."""
    if operator is not None:
        return "access_key"
    if asked.set_up_token is not None:
        return "set_up_token"
    return "registration" if asked.invite is None else "invite"


def _assert_admitted(registration: str, invite: str | None) -> None:
    if registration == "closed":
        raise Forbidden("Registration is closed: ask an admin.")
    if registration == "invite" and invite is None:
        raise Forbidden("Registration is by invite: ask an admin for one.")


async def _terms(desk: AccountDesk, change: Change, asked: Registering, *, may_set_up: bool) -> tuple[Role, bool]:
    """The role, and whether the account may be used at once."""
    if may_set_up and not await users.has_super_admin(change.connection):
        return Role.SUPER_ADMIN, True
    if asked.set_up_token is not None:
        raise Forbidden("The set-up token has been used.")
    _assert_admitted(desk.registration, asked.invite)
    if asked.invite is None:
        return Role.USER, desk.registration == "open"
    role = await invites.use(change, digest_of(asked.invite))
    if role is None:
        raise Forbidden(_NO_INVITE)
    return role, True
