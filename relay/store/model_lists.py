"""The lists of models that providers have told, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.tables import model_lists
from relay.store.upserting import upsert


@dataclass(frozen=True, slots=True)
class KeptList:
    """The last list of one provider."""

    provider: str
    fingerprint: str
    """Of its address."""
    document: str
    """JSON; see upstream.model_list."""


async def read_all(connection: AsyncConnection) -> Sequence[KeptList]:
    """Of all providers, those that are configured no more too."""
    rows = await connection.execute(sa.select(model_lists))
    return [KeptList(row.provider, row.fingerprint, row.document) for row in rows]


async def keep(connection: AsyncConnection, kept: KeptList, at: datetime) -> None:
    """Put this in the place of what was kept of the provider."""
    changing = {"fingerprint": kept.fingerprint, "document": kept.document, "at_us": at}
    insert = upsert(connection, model_lists).values(provider=kept.provider, **changing)
    await connection.execute(insert.on_conflict_do_update(index_elements=["provider"], set_=changing))
