"""A PostgreSQL that is there: MONORELAY_POSTGRES names it, and `.ci/postgres` starts one.

Each test gets a database of its own, copied from one that was migrated once.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from relay.store.postgres import migrate_postgres

VARIABLE = "MONORELAY_POSTGRES"
TEMPLATE = f"monorelay_template_{os.getpid()}"


def server_url() -> str:
    """The URL of the server. Skips the test where there is none."""
    url = os.environ.get(VARIABLE, "")
    if not url:
        pytest.skip(f"needs a PostgreSQL: {VARIABLE}=$(.ci/postgres start FOLDER)")
    return url


def _named(name: str) -> str:
    return f"{server_url().rpartition('/')[0]}/{name}"


async def _execute(*statements: str) -> None:
    connection = await asyncpg.connect(server_url().replace("+asyncpg", ""))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _has_template() -> bool:
    connection = await asyncpg.connect(server_url().replace("+asyncpg", ""))
    try:
        return await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE) is not None
    finally:
        await connection.close()


@asynccontextmanager
async def empty_database() -> AsyncIterator[str]:
    """The URL of a database without anything in it."""
    name = f"monorelay_{secrets.token_hex(8)}"
    await _execute(f"CREATE DATABASE {name}")
    try:
        yield _named(name)
    finally:
        await _execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def migrated_database() -> AsyncIterator[str]:
    """The URL of a database of the newest revision."""
    if not await _has_template():
        await _execute(f"CREATE DATABASE {TEMPLATE}")
        await migrate_postgres(_named(TEMPLATE))
    name = f"monorelay_{secrets.token_hex(8)}"
    await _execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield _named(name)
    finally:
        await _execute(f"DROP DATABASE {name} WITH (FORCE)")
