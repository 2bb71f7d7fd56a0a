"""Accounts as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from relay.core.accounts.inviting import MadeInvite
from relay.core.accounts.keys import MadeKey
from relay.core.accounts.tokens import TokenAnswer
from relay.identity import ApiKey, Invite, User
from relay.model import Limits, Principal, Role
from relay.web.answers import document


def tokens(answer: TokenAnswer, *, status: int = 200) -> web.Response:
    """The token answer, a bare object."""
    told = {
        "access_token": answer.access_token,
        "token_type": "bearer",
        "expires_in": answer.access_s,
        "refresh_token": answer.refresh_token,
        "refresh_expires_in": answer.refresh_s,
        "user": user(answer.user),
    }
    response = document(told, status=status)
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return response


def user(known: User) -> dict[str, Any]:
    """What a user sees of themselves."""
    return {
        "id": known.id,
        "username": known.username,
        "email": known.email,
        **_role(known.role),
        "created_at": moment(known.created_at),
    }


def operator(principal: Principal) -> dict[str, Any]:
    """The same for an access key, which has no account."""
    return {"id": None, "username": principal.name, "email": None, **_role(principal.role), "created_at": None}


def _role(role: Role) -> dict[str, Any]:
    return {
        "role": role.name.lower(),
        "is_admin": role >= Role.ADMIN,
        "is_super_admin": role is Role.SUPER_ADMIN,
    }


def governed(known: User) -> dict[str, Any]:
    """What admins see of a user."""
    return {**user(known), "is_active": known.is_active, "limits": limits(known.limits)}


def key(known: ApiKey) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "id": known.id,
        "name": known.name,
        "prefix": known.prefix,
        "limits": limits(known.limits),
        "expires_at": moment(known.expires_at),
        "last_used_at": moment(known.last_used_at),
        "created_at": moment(known.created_at),
        "is_active": known.is_active,
    }


def made_key(made: MadeKey) -> dict[str, Any]:
    """A key with its secret."""
    return {**key(made.key), "key": made.secret}


def invite(known: Invite) -> dict[str, Any]:
    """An invite without its code."""
    return {
        "id": known.id,
        "role": known.role.name.lower(),
        "created_at": moment(known.created_at),
        "created_by": known.created_by,
        "expires_at": moment(known.expires_at),
        "used_at": moment(known.used_at),
    }


def made_invite(made: MadeInvite) -> dict[str, Any]:
    """An invite with its code."""
    return {**invite(made.invite), "code": made.code}


def limits(known: Limits) -> dict[str, Any]:
    """None: no limit."""
    return {"models": known.models, "endpoints": known.endpoints}


def enveloped(data: Any, now: datetime, *, status: int = 200, message: str = "") -> web.Response:
    """One thing."""
    return _envelope(data, now, status=status, message=message, page=1, page_size=1, total=1)


def listed(data: Sequence[Any], now: datetime, *, page: int, page_size: int, total: int) -> web.Response:
    """Some of many."""
    return _envelope(data, now, status=200, message="", page=page, page_size=page_size, total=total)


def listed_whole(data: Sequence[Any], now: datetime) -> web.Response:
    """All there are."""
    return listed(data, now, page=1, page_size=max(1, len(data)), total=len(data))


def _envelope(
    data: Any, now: datetime, *, status: int, message: str, page: int, page_size: int, total: int
) -> web.Response:
    metadata = {"page": page, "page_size": page_size, "total": total, "timestamp": moment(now)}
    return document({"success": True, "message": message, "data": data, "metadata": metadata}, status=status)


def moment(at: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
