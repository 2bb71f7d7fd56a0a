"""What is remembered of providers' keys, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.tables import key_memory
from relay.store.upserting import upsert


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One key."""

    provider: str
    label: str
    fingerprint: str
    """Of its secret."""
    document: str
    """JSON; see upstream.keyring.snapshot."""


async def read_all(connection: AsyncConnection) -> Sequence[KeptKey]:
    """Of all keys, those that are configured no more too."""
    rows = await connection.execute(sa.select(key_memory))
    return [KeptKey(row.provider, row.label, row.fingerprint, row.document) for row in rows]


async def keep(connection: AsyncConnection, kept: Sequence[KeptKey], at: datetime) -> None:
    """Put these in the place of what was kept of them."""
    for one in kept:
        changing = {"fingerprint": one.fingerprint, "document": one.document, "at_us": at}
        insert = upsert(connection, key_memory).values(provider=one.provider, label=one.label, **changing)
        await connection.execute(insert.on_conflict_do_update(index_elements=["provider", "label"], set_=changing))
