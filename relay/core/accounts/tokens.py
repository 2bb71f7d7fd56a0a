"""The token answer: what a log-in gives, and each refresh of it.

A refresh token's successor is an HMAC of it, so that a client that lost the answer can be given the same one again,
though the store keeps digests alone.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.core.accounts import throttling
from relay.core.accounts.desk import AccountDesk
from relay.core.credentials import digest_of
from relay.errors import Unauthorized
from relay.identity import Act, User
from relay.store import sessions
from relay.store.changing import Change, changing, reading
from relay.store.sessions import NewSession, Refreshing


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a client is given."""

    user: User
    access_token: str
    access_s: int
    refresh_token: str
    refresh_s: int


async def open_session(desk: AccountDesk, change: Change, user: User, user_agent: str) -> TokenAnswer:
    """A new session and its first tokens."""
    session_id, refresh_token = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
    expires_at = change.act.at + desk.lifetimes.refresh
    await sessions.add(change, NewSession(session_id, user.id, digest_of(refresh_token), expires_at, user_agent))
    return _answer(desk, user, session_id, refresh_token, change.act.at)


async def refresh(desk: AccountDesk, presented: str, client_ip: str) -> TokenAnswer:
    """Tokens for a refresh token. Raises Unauthorized, TooManyRequests."""
    if not presented.isascii():
        raise Unauthorized
    async with reading(desk.engine) as transaction:
        user_id = await sessions.user_of_token(transaction, digest_of(presented))
    if user_id is None:
        raise Unauthorized  # Without a write: anybody may send anything here.
    await throttling.count_act(desk, user_id)
    successors = {digest_of(token): token for token in _successors(desk.successor_keys, presented)}
    act = Act("-", client_ip, desk.now())
    async with changing(desk.engine, act) as change:
        expires_at = act.at + desk.lifetimes.refresh
        done = await sessions.rotate(change, digest_of(presented), list(successors), expires_at)
        if done.what is Refreshing.REUSED and done.user is not None:
            await change.audited("refresh_token_reused", done.user.username, session=done.session_id)
    if done.what is Refreshing.REUSED:
        await desk.directory.catch_up()
    if done.successor is None or done.user is None or done.session_id is None:
        raise Unauthorized
    return _answer(desk, done.user, done.session_id, successors[done.successor], act.at)


def _successors(keys: Sequence[bytes], presented: str) -> Iterator[str]:
    for key in keys:
        yield base64.urlsafe_b64encode(hmac.digest(key, presented.encode(), "sha256")).rstrip(b"=").decode()


def _answer(desk: AccountDesk, user: User, session_id: str, refresh_token: str, at: datetime) -> TokenAnswer:
    lifetimes, issued_at_s = desk.lifetimes, int(at.timestamp())
    access_s = int(lifetimes.access.total_seconds())
    access_token = desk.signer.sign(
        user.id,
        session_id,
        issued_at_s=issued_at_s,
        expires_at_s=issued_at_s + access_s,
        token_id=secrets.token_urlsafe(12),
    )
    return TokenAnswer(user, access_token, access_s, refresh_token, int(lifetimes.refresh.total_seconds()))
