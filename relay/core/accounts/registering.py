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
    is_operator = principal is not None and principal.user_id is None
    if asked.set_up_token is not None and not desk.set_up.is_right(asked.set_up_token):
        raise Forbidden("The set-up token is not valid.")
    may_set_up = is_operator or asked.set_up_token is not None
    desk.assert_free(asked.username)
    if not may_set_up:
        _assert_admitted(desk.registration, asked.invite)
        await throttling.count_registration(desk, client_ip)
        await _assert_invited(desk, asked.invite)
    password_hash = await desk.hasher.accept(asked.password, asked.username, asked.email, param="password")
    async with changing(desk.engine, Act(asked.username, client_ip, desk.now())) as change:
        role, is_active = await _terms(desk, change, asked, may_set_up=may_set_up)
        new = NewUser(asked.username, asked.email, password_hash, role, is_active, desk.limits_of_new(role))
        user = await users.add(change, new)
        await change.audited("register", user.username, role=role.name.lower(), is_active=is_active)
        answer = await open_session(desk, change, user, asked.user_agent) if is_active else None
    await desk.directory.catch_up()
    return user, answer


def _assert_admitted(registration: str, invite: str | None) -> None:
    if registration == "closed":
        raise Forbidden("Registration is closed: ask an admin.")
    if registration == "invite" and invite is None:
        raise Forbidden("Registration is by invite: ask an admin for one.")


async def _assert_invited(desk: AccountDesk, invite: str | None) -> None:
    """Before anything is hashed; the code is used up later, within the transaction."""
    if invite is None:
        return
    async with reading(desk.engine) as transaction:
        if not await invites.is_usable(transaction, digest_of(invite), desk.now()):
            raise Forbidden(_NO_INVITE)


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
