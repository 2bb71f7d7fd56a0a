"""`monorelay audit verify`: whether the log of acts on accounts is what was written."""

from __future__ import annotations

import argparse
import asyncio

from relay.commands.accounts import add_places
from relay.commands.places import data_folder, load_checked
from relay.errors import RelayError
from relay.store.audit_log import Verified, verify
from relay.store.changing import reading
from relay.store.database import open_to_read
from relay.store.opening import assert_there


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("audit", help="the log of acts on accounts: verify", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    verifying = acts.add_parser("verify", help="check that no line was changed, taken out or put in")
    add_places(verifying)
    verifying.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Verify. Raises RelayError where the log is broken."""
    folder, url = data_folder(arguments), load_checked(arguments.config).database.url.get_secret_value()
    assert_there(folder, url)

    async def read() -> Verified:
        async with open_to_read(folder, url) as engine, reading(engine) as transaction:
            return await verify(transaction)

    found = asyncio.run(read())
    if found.broken_at is not None:
        raise RelayError(f"the audit log is not what was written: line {found.broken_at} does not follow on the others")
    print(f"{found.lines} lines, each as it was written; the last hash is {found.last_hash}")
    return 0
