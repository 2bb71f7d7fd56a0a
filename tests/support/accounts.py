"""Accounts on a real store: a file of the newest revision for each that is opened."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from relay.accounts import open_accounts
from relay.config.schema import Config
from relay.core.accounts.desk import AccountDesk
from relay.store.database import open_database
from relay.store.migrate import DATABASE_NAME, migrate
from tests.support.postgres import migrated_database

SECRET = b"a secret of the tests, 32 bytes!"


@cache
def _migrated() -> bytes:
    """An empty store: migrating takes longer than copying."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(Path(folder))
        return (Path(folder) / DATABASE_NAME).read_bytes()


def new_store(folder: Path) -> Path:
    """A folder with an empty store of the newest revision."""
    (folder / DATABASE_NAME).write_bytes(_migrated())
    return folder


@asynccontextmanager
async def accounts_in(
    folder: Path, config: Config, now: Callable[[], datetime], *, secrets: Sequence[bytes] = (SECRET,)
) -> AsyncIterator[AccountDesk]:
    """The accounts of the store in a folder, or of that which the configuration names."""
    url = config.database.url.get_secret_value()
    async with open_database(folder, url) as engine, open_accounts(config, engine, secrets, now) as desk:
        yield desk


@asynccontextmanager
async def new_accounts(config: Config, now: Callable[[], datetime]) -> AsyncIterator[AccountDesk]:
    """No accounts yet, in a store of their own."""
    folder = Path(tempfile.mkdtemp(prefix="monorelay-test-"))
    try:
        async with accounts_in(new_store(folder), config, now) as desk:
            yield desk
    finally:
        shutil.rmtree(folder)


STORES = ("sqlite", "postgresql")


@asynccontextmanager
async def store_url(kind: str) -> AsyncIterator[str]:
    """What `database.url` has to be for an empty store of a kind; for SQLite, nothing."""
    if kind == "sqlite":
        yield ""
        return
    async with migrated_database() as url:
        yield url
