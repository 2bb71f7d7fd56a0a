"""Which store there is, and whether it is as this release needs it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from relay.errors import StoreError
from relay.resources import MIGRATIONS
from relay.store.migrate import assert_is_store, make_private_folder, migrate, revision_of, revisions
from relay.store.postgres import assert_current, migrate_postgres


def made_ready(data_folder: Path, url: str) -> str:
    """For `serve`: SQLite is upgraded, PostgreSQL must have been. The revision. Raises StoreError."""
    if not url:
        return migrate(data_folder)
    make_private_folder(data_folder)  # Secrets are kept in it, whatever the store.
    return asyncio.run(assert_current(url))


def assert_there(data_folder: Path, url: str) -> None:
    """For commands that only read: a store of this release, which is neither made nor upgraded. Raises StoreError."""
    if url:
        asyncio.run(assert_current(url))
        return
    assert_is_store(data_folder)
    current, newest = revision_of(data_folder), revisions(MIGRATIONS)[-1]
    if current != newest:
        raise StoreError(f"The store is at revision {current or '-'}, this release's is {newest}: run its `migrate`.")


def found_ready(data_folder: Path, url: str) -> str:
    """For commands about what is there: as `made_ready`, but no store is made. Raises StoreError."""
    if not url:
        assert_is_store(data_folder)
    return made_ready(data_folder, url)


def migrated(data_folder: Path, url: str) -> str:
    """For `migrate`: whichever it is, upgraded. The revision. Raises StoreError."""
    if not url:
        return migrate(data_folder)
    make_private_folder(data_folder)  # Secrets are kept in it, whatever the store.
    return asyncio.run(migrate_postgres(url))
