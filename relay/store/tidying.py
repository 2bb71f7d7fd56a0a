"""What can't be used any more is deleted, a little at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from relay.store import sessions
from relay.store.changing import writing
from relay.store.database import Engine
from relay.store.directory import forget_changes
from relay.store.tables import invites, throttles

CHANGES_KEPT = timedelta(hours=1)
"""Who has not followed for longer reads everything anew."""
THROTTLES_KEPT = timedelta(days=1)
"""Longer than any of them counts."""
INVITES_KEPT = timedelta(days=30)
"""Beyond their end."""


async def tidy(engine: Engine, now: datetime) -> None:
    """Sessions and tokens that have expired, old throttles and invites, changes that everybody has followed. Raises
    StoreError."""
    async with writing(engine) as transaction:
        await sessions.forget_expired(transaction, now)
        await forget_changes(transaction, now - CHANGES_KEPT)
        old = (throttles.c.until_us < now - THROTTLES_KEPT) & (throttles.c.since_us < now - THROTTLES_KEPT)
        await transaction.execute(sa.delete(throttles).where(old))
        await transaction.execute(sa.delete(invites).where(invites.c.expires_at_us < now - INVITES_KEPT))
