"""Who acts, as the store has it at the moment of the act.

A credential is looked at when a request's head arrives; its body may take half a minute and its password a second. What
was taken away meanwhile is not there any more.
"""

from __future__ import annotations

from dataclasses import replace

from relay.errors import Forbidden, Unauthorized
from relay.model import Principal, Role
from relay.store import sessions, users
from relay.store.changing import Change


async def standing(change: Change, principal: Principal, *, least: Role = Role.USER) -> Principal:
    """The principal with the role of this moment. Raises Unauthorized, or Forbidden for less than `least`."""
    if principal.user_id is not None:
        user = await users.get(change.connection, principal.user_id)
        if user is None or not user.is_active:
            raise Unauthorized
        if principal.session_id is not None and not await sessions.lives(change.connection, principal.session_id):
            raise Unauthorized
        principal = replace(principal, role=user.role)
    if principal.role < least:
        raise Forbidden(f"This needs the role {least.name.lower()}.")
    return principal


def assert_may_appoint(principal: Principal, role: Role) -> None:
    """Users are made by admins, admins and super admins by super admins alone: the access key is none.

    Raises Forbidden.
    """
    if role > Role.USER and principal.role < Role.SUPER_ADMIN:
        raise Forbidden(f"Only a super admin may do this to somebody with the role {role.name.lower()}.")
