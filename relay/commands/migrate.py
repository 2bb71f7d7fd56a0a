"""`monorelay migrate`: bring the store to this release's revision. With SQLite `serve` does the same by itself."""

from __future__ import annotations

import argparse

from relay.commands.places import add_config, add_data, data_folder, load_checked
from relay.store.opening import migrated


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("migrate", help="bring the store to this release's revision", allow_abbrev=False)
    add_config(parser)
    add_data(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Migrate. Raises ConfigError, StoreError."""
    folder = data_folder(arguments)
    url = load_checked(arguments.config).database.url.get_secret_value() if arguments.config.exists() else ""
    where = "the database" if url else folder
    print(f"{where}: the store is at revision {migrated(folder, url)}")
    return 0
