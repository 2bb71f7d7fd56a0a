"""One change of what the store knows about accounts: a transaction that counts the version up, says what changed, and
leaves a line in the audit log.

Counting up comes first and locks the one row of the version until the end, so that changes stand in a line: whoever
reads a version has seen everything of all lower ones. That is what lets other processes follow by polling one number.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from relay.errors import StoreError
from relay.identity import Act
from relay.store.database import ERRORS, IS_READING, reason
from relay.store.tables import audit, changes, store_version

USER, SESSION, KEY = "user", "session", "key"
"""Kinds of what can change; `ref` is an id, but for keys, whose digest it is."""
FIRST_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Change:
    """A transaction under way."""

    connection: AsyncConnection
    version: int
    act: Act

    async def touched(self, kind: str, *refs: object) -> None:
        """Say what other processes must read again."""
        rows = [{"version": self.version, "kind": kind, "ref": str(ref), "at_us": self.act.at} for ref in refs]
        if rows:
            await self.connection.execute(sa.insert(changes), rows)

    async def audited(self, action: str, subject: str, **detail: Any) -> None:
        """Add a line to the log. Each holds the hash of itself and of the line before it."""
        last = sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
        previous = (await self.connection.execute(last)).scalar() or FIRST_HASH
        line = {
            "at_us": self.act.at,
            "actor": self.act.actor[:128],
            "action": action,
            "subject": subject[:300],
            "client_ip": self.act.client_ip[:45],
            "detail": orjson.dumps(detail).decode(),
        }
        await self.connection.execute(sa.insert(audit).values(**line, hash=line_hash(previous, line)))


def line_hash(previous: str, line: Mapping[str, Any]) -> str:
    """The hash of a line behind another: SHA-256 over that one's hash and a JSON list of this one's fields."""
    at: datetime = line["at_us"]
    fields = [at.isoformat(), *(line[name] for name in ("actor", "action", "subject", "client_ip", "detail"))]
    return hashlib.sha256(previous.encode() + orjson.dumps(fields)).hexdigest()


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that changes nothing and holds up nobody. Raises StoreError where the database fails."""
    try:
        async with engine.execution_options(**{IS_READING: True}).begin() as connection:
            yield connection
    except ERRORS as error:
        raise StoreError(f"the store can't be read: {reason(error)}") from error


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that changes nothing which others keep in memory. Raises StoreError where the database fails."""
    try:
        async with engine.begin() as connection:
            yield connection
    except ERRORS as error:
        raise StoreError(f"the store can't be written: {reason(error)}") from error


@asynccontextmanager
async def changing(engine: AsyncEngine, act: Act) -> AsyncIterator[Change]:
    """Whole or not at all. Raises StoreError where the database fails."""
    count_up = sa.update(store_version).values(version=store_version.c.version + 1).returning(store_version.c.version)
    try:
        async with engine.begin() as connection:
            version: int = (await connection.execute(count_up)).scalar_one()
            yield Change(connection, version, act)
    except ERRORS as error:
        raise StoreError(f"accounts can't be changed: {reason(error)}") from error
