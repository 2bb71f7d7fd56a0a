"""Sessions and the refresh tokens that keep them going.

Each refresh token is used once and has one successor. One that comes again after a moment was copied: its session ends,
and with it every token that descends from the same log-in (RFC 9700, 4.14.2).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.identity import Session, User
from relay.store.changing import SESSION, Change
from relay.store.tables import refresh_tokens, sessions, users
from relay.store.users import user_of

REPEAT = timedelta(seconds=10)
"""A client that lost the answer may ask again for so long."""
MAX_SESSIONS = 100
"""Of one user: each process has all of them in memory."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """What becomes a session, with its first refresh token's digest."""

    id: str
    user_id: int
    refresh_digest: str
    expires_at: datetime
    user_agent: str


class Refreshing(enum.Enum):
    """What became of a refresh token that was presented."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    """Used a moment ago: its successor is the same as then."""
    REUSED = "reused"
    """Used before: the session has been ended."""
    REFUSED = "refused"
    """Unknown, expired, or of a session that is over."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result, and whose session it is; None where it was refused."""

    what: Refreshing
    session_id: str | None = None
    user: User | None = None
    successor: str | None = None
    """The digest of the token that follows, where one does."""


async def add(change: Change, new: NewSession) -> Session:
    """Add one, with its first refresh token; of more than MAX_SESSIONS of a user the oldest end."""
    await change.connection.execute(
        sa.insert(sessions).values(
            id=new.id,
            user_id=new.user_id,
            created_at_us=change.act.at,
            expires_at_us=new.expires_at,
            client_ip=change.act.client_ip[:45],
            user_agent=new.user_agent[:200],
        )
    )
    await _add_token(change.connection, new.id, new.refresh_digest, new.expires_at)
    await change.touched(SESSION, new.id)
    newest_first = sa.select(sessions.c.id).order_by(sessions.c.created_at_us.desc(), sessions.c.id)
    living = newest_first.where((sessions.c.user_id == new.user_id) & sessions.c.ended_at_us.is_(None))
    too_many = (await change.connection.execute(living.offset(MAX_SESSIONS))).scalars().all()
    if too_many:
        await end(change, too_many)
    return Session(new.id, new.user_id, new.expires_at)


async def _add_token(connection: AsyncConnection, session_id: str, digest: str, expires_at: datetime) -> None:
    row = {"session_id": session_id, "digest": digest, "expires_at_us": expires_at}
    await connection.execute(sa.insert(refresh_tokens).values(**row))


async def rotate(change: Change, digest: str, successors: Sequence[str], expires_at: datetime) -> Refreshed:
    """Use a token: once for its successor, again for the same within REPEAT, and later to end the session.

    `successors` are digests: the first is what follows, the others are what followed under former secrets.
    """
    row = (await change.connection.execute(_presented(digest))).one_or_none()
    if row is None or row.ended_at_us is not None or not row.is_active:
        return Refreshed(Refreshing.REFUSED)
    user = user_of(row)
    if row.used_at_us is not None and change.act.at - row.used_at_us > REPEAT:
        await end(change, [row.session_id])
        return Refreshed(Refreshing.REUSED, row.session_id, user)
    if row.token_expires_us <= change.act.at:
        return Refreshed(Refreshing.REFUSED)
    if row.used_at_us is None and await _use(change, digest):
        await _add_token(change.connection, row.session_id, successors[0], expires_at)
        longer = sa.update(sessions).where(sessions.c.id == row.session_id).values(expires_at_us=expires_at)
        await change.connection.execute(longer)
        await change.touched(SESSION, row.session_id)  # It lives longer than others know.
        return Refreshed(Refreshing.ROTATED, row.session_id, user, successors[0])
    for successor in successors:
        if await is_token(change.connection, successor):
            return Refreshed(Refreshing.REPEATED, row.session_id, user, successor)
    return Refreshed(Refreshing.REFUSED)  # Its successor was made under a secret that is gone.


def _presented(digest: str) -> sa.Select[tuple[object, ...]]:
    joined = refresh_tokens.join(sessions, refresh_tokens.c.session_id == sessions.c.id).join(
        users, sessions.c.user_id == users.c.id
    )
    columns = (
        users,
        refresh_tokens.c.session_id,
        refresh_tokens.c.used_at_us,
        refresh_tokens.c.expires_at_us.label("token_expires_us"),
        sessions.c.ended_at_us,
    )
    return sa.select(*columns).select_from(joined).where(refresh_tokens.c.digest == digest)


async def _use(change: Change, digest: str) -> bool:
    """Whether this was the first use: one statement, so that of two at once one is."""
    first = (refresh_tokens.c.digest == digest) & refresh_tokens.c.used_at_us.is_(None)
    used = await change.connection.execute(sa.update(refresh_tokens).where(first).values(used_at_us=change.act.at))
    return used.rowcount == 1


async def is_token(connection: AsyncConnection, digest: str) -> bool:
    """Whether there is such a token, used or not."""
    wanted = sa.select(refresh_tokens.c.digest).where(refresh_tokens.c.digest == digest)
    return (await connection.execute(wanted)).first() is not None


async def user_of_token(connection: AsyncConnection, digest: str) -> int | None:
    """Whose refresh token it is, used or not; None: there is no such token."""
    joined = refresh_tokens.join(sessions, refresh_tokens.c.session_id == sessions.c.id)
    wanted = sa.select(sessions.c.user_id).select_from(joined).where(refresh_tokens.c.digest == digest)
    return (await connection.execute(wanted)).scalar_one_or_none()


async def of_token(connection: AsyncConnection, digest: str, user_id: int | None) -> str | None:
    """The session of this user that a refresh token belongs to, used or not; None: there is no such token."""
    joined = refresh_tokens.join(sessions, refresh_tokens.c.session_id == sessions.c.id)
    own = (refresh_tokens.c.digest == digest) & (sessions.c.user_id == user_id)
    return (await connection.execute(sa.select(sessions.c.id).select_from(joined).where(own))).scalar_one_or_none()


async def end(change: Change, session_ids: Sequence[str]) -> int:
    """End these, as far as they have not ended; how many that were."""
    living = sessions.c.id.in_(session_ids) & sessions.c.ended_at_us.is_(None)
    ended = await change.connection.execute(sa.update(sessions).where(living).values(ended_at_us=change.act.at))
    await change.touched(SESSION, *session_ids)
    return ended.rowcount


async def end_all_of(change: Change, user_id: int, *, but: str | None = None) -> int:
    """End every session of a user, but for one; how many that were."""
    living = (sessions.c.user_id == user_id) & sessions.c.ended_at_us.is_(None) & (sessions.c.id != (but or ""))
    statement = sa.update(sessions).where(living).values(ended_at_us=change.act.at).returning(sessions.c.id)
    ended = (await change.connection.execute(statement)).scalars().all()
    await change.touched(SESSION, *ended)
    return len(ended)


async def lives(connection: AsyncConnection, session_id: str) -> bool:
    """Whether a session has not ended."""
    wanted = sa.select(sessions.c.id).where((sessions.c.id == session_id) & sessions.c.ended_at_us.is_(None))
    return (await connection.execute(wanted)).first() is not None


async def forget_expired(connection: AsyncConnection, now: datetime) -> None:
    """Delete what can't be used any more."""
    await connection.execute(sa.delete(refresh_tokens).where(refresh_tokens.c.expires_at_us < now))
    await connection.execute(sa.delete(sessions).where(sessions.c.expires_at_us < now))
