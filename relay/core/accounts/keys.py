"""API keys: made, listed, changed and revoked by their owners. The secret is seen once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.standing import acting, defending, own_id
from relay.core.credentials import API_KEY_PREFIX, digest_of
from relay.errors import Conflict, InvalidRequest, NoSuch
from relay.identity import ApiKey
from relay.model import Limits, Principal
from relay.store import api_keys
from relay.store.api_keys import KeyChange, NewKey
from relay.store.changing import reading

MAX_KEYS = 100
"""Of one user."""
SHOWN_CHARACTERS = len(API_KEY_PREFIX) + 4


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key, and its secret for the only time."""

    key: ApiKey
    secret: str


async def make(
    desk: AccountDesk, principal: Principal, name: str, limits: Limits, expires_at: datetime | None, client_ip: str
) -> MadeKey:
    """Raises InvalidRequest for a time that has passed, Conflict for one key too many."""
    user_id, now = own_id(principal), desk.now()
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("'expires_at' must be in the future.", param="expires_at")
    secret = API_KEY_PREFIX + secrets.token_urlsafe(32)
    new = NewKey(user_id, name, digest_of(secret), secret[:SHOWN_CHARACTERS], limits, expires_at)
    async with acting(desk, principal, client_ip) as (change, _):
        if len(await api_keys.of_user(change.connection, user_id)) >= MAX_KEYS:
            raise Conflict(f"A user may have {MAX_KEYS} keys: delete one first.", code="too_many_keys")
        key = await api_keys.add(change, new)
        await change.audited("key_made", name, key=key.id)
    return MadeKey(key, secret)


async def own(desk: AccountDesk, principal: Principal) -> Sequence[ApiKey]:
    """The user's keys."""
    async with reading(desk.engine) as connection:
        return await api_keys.of_user(connection, own_id(principal))


async def change(desk: AccountDesk, principal: Principal, key_id: int, wanted: KeyChange, client_ip: str) -> ApiKey:
    """Raises NoSuch where the user has no such key."""
    if wanted == KeyChange():
        return await _unchanged(desk, principal, key_id)
    async with acting(desk, principal, client_ip) as (changed, _):
        key = await api_keys.update(changed, key_id, own_id(principal), wanted)
        if key is None:
            raise NoSuch("API key", key_id)
        await changed.audited("key_changed", key.name, key=key.id, **_told(wanted))
    return key


async def revoke(desk: AccountDesk, principal: Principal, key_id: int, client_ip: str) -> None:
    """Raises NoSuch where the user has no such key."""
    async with defending(desk, principal, client_ip) as (changed, _):
        key = await api_keys.delete(changed, key_id, own_id(principal))
        if key is None:
            raise NoSuch("API key", key_id)
        await changed.audited("key_revoked", key.name, key=key.id)


async def _unchanged(desk: AccountDesk, principal: Principal, key_id: int) -> ApiKey:
    for key in await own(desk, principal):
        if key.id == key_id:
            return key
    raise NoSuch("API key", key_id)


def _told(wanted: KeyChange) -> dict[str, object]:
    told: dict[str, object] = {}
    if wanted.name is not None:
        told["name"] = "changed"
    if wanted.is_active is not None:
        told["is_active"] = wanted.is_active
    if wanted.limits is not None:
        told["limits"] = "changed"
    return told
