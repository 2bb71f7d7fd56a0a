"""Which store there is, and whether it is as this release needs it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from relay.store.migrate import make_private_folder, migrate
from relay.store.postgres import assert_current, migrate_postgres


def made_ready(data_folder: Path, url: str) -> str:
    """For `serve`: SQLite is upgraded, PostgreSQL must have been. The revision. Raises StoreError."""
    if not url:
        return migrate(data_folder)
    make_private_folder(data_folder)  # Secrets are kept in it, whatever the store.
    return asyncio.run(assert_current(url))


def migrated(data_folder: Path, url: str) -> str:
    """For `migrate`: whichever it is, upgraded. The revision. Raises StoreError."""
    if not url:
        return migrate(data_folder)
    make_private_folder(data_folder)  # Secrets are kept in it, whatever the store.
    return asyncio.run(migrate_postgres(url))
