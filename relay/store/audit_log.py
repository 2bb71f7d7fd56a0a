"""The audit log read back: that no line was changed, taken out or put in."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from relay.store.changing import FIRST_HASH, line_hash
from relay.store.database import Transaction
from relay.store.tables import audit

LINES_AT_ONCE = 1000
BEFORE_ALL = -(2**31)
"""Below every number that may stand there, whoever put it in."""


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the log is what was written."""

    lines: int
    last_hash: str
    """Kept elsewhere, it shows later that nothing up to here was changed, not even cut off at the end."""
    broken_at: int | None
    """The number of the first line that does not follow from the one before it; None: all do."""


async def verify(transaction: Transaction) -> Verified:
    """Read all of it."""
    lines, last_hash, last_id = 0, FIRST_HASH, BEFORE_ALL
    while True:
        following = sa.select(audit).where(audit.c.id > last_id).order_by(audit.c.id).limit(LINES_AT_ONCE)
        rows = (await transaction.execute(following)).mappings().all()
        for row in rows:
            if line_hash(last_hash, dict(row)) != row["hash"]:
                return Verified(lines, last_hash, row["id"])
            lines, last_hash, last_id = lines + 1, row["hash"], row["id"]
        if not rows:
            return Verified(lines, last_hash, None)
