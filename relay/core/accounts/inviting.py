"""Invites: made, listed and revoked by admins. The code is seen once; whom it carries is decided when it is used."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting, assert_may_appoint
from relay.core.credentials import digest_of
from relay.errors import NoSuch
from relay.identity import Invite
from relay.model import Principal, Role
from relay.store import invites
from relay.store.changing import reading


@dataclass(frozen=True, slots=True)
class MadeInvite:
    """An invite, and its code for the only time."""

    invite: Invite
    code: str


async def make(desk: AccountDesk, principal: Principal, role: Role, lives: timedelta, client_ip: str) -> MadeInvite:
    """Raises Forbidden."""
    assert_may_appoint(principal, role)
    code = secrets.token_urlsafe(24)
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        assert_may_appoint(principal, role)
        invite = await invites.add(change, digest_of(code), role, change.act.at + lives, principal.user_id)
        await change.audited("invite_made", invite.id, role=role.name.lower())
    return MadeInvite(invite, code)


async def page(desk: AccountDesk, *, offset: int, limit: int) -> tuple[Sequence[Invite], int]:
    """Some of them, the newest first, and how many there are."""
    async with reading(desk.engine) as transaction:
        return await invites.page(transaction, offset=offset, limit=limit)


async def revoke(desk: AccountDesk, principal: Principal, invite_id: str, client_ip: str) -> None:
    """Raises NoSuch, or Forbidden for one that the principal may not make."""
    async with acting(desk, principal, client_ip, least=Role.ADMIN) as (change, principal):
        invite = await invites.get(change.connection, invite_id)
        if invite is None:
            raise NoSuch("invite", invite_id)
        assert_may_appoint(principal, invite.role)
        await invites.delete(change, invite_id)
        await change.audited("invite_revoked", invite.id, role=invite.role.name.lower())
