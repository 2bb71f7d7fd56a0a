"""`monorelay backup FILE`: everything that is needed to begin again elsewhere, in one file; the daemon goes on."""

from __future__ import annotations

import argparse
from pathlib import Path

from relay.commands.places import add_config, add_data, data_folder, load_checked
from relay.errors import StoreError
from relay.store.backup import back_up


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("backup", help="write configuration, store and data into one file", allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE", help="a new .tar.gz; it holds secrets, so keep it like one")
    add_config(parser)
    add_data(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Back up. Raises StoreError."""
    if arguments.config.exists() and load_checked(arguments.config).database.url.get_secret_value():
        raise StoreError("the store is in PostgreSQL: use pg_dump, and copy the configuration and the data folder")
    size_bytes = back_up(arguments.config, data_folder(arguments), arguments.file)
    print(f"{arguments.file} was written, {size_bytes} bytes: unpack it into an empty folder to serve from there.")
    return 0
