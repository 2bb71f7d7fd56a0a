"""`monorelay migrate`: bring the store to this release's revision; `serve` does the same by itself."""

from __future__ import annotations

import argparse

from relay.commands.places import add_config, add_data, data_folder
from relay.store.migrate import migrate


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("migrate", help="bring the store to this release's revision", allow_abbrev=False)
    add_config(parser)
    add_data(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Migrate. Raises StoreError."""
    folder = data_folder(arguments)
    print(f"{folder}: the store is at revision {migrate(folder)}")
    return 0
