"""What the commands about accounts share: the store, opened as the daemon opens it, and who acts.

A running daemon follows within a second.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from relay.accounts import open_accounts, signing_secrets
from relay.commands.places import add_config, add_data, data_folder, load_checked
from relay.core.accounts.desk import AccountDesk
from relay.errors import RelayError
from relay.identity import User
from relay.model import Principal, Role
from relay.store import users
from relay.store.changing import reading
from relay.store.database import open_database
from relay.store.opening import found_ready

CLI = Principal("cli", Role.SUPER_ADMIN)
"""Whoever can read the store may do everything with it."""
NOWHERE = "-"
"""The address of this machine's operator, in the audit log."""


def add_places(parser: argparse.ArgumentParser) -> None:
    """--config and --data."""
    add_config(parser)
    add_data(parser)


def with_desk(
    arguments: argparse.Namespace,
    act: Callable[[AccountDesk], Awaitable[None]],
    make_ready: Callable[[Path, str], object] = found_ready,
) -> int:
    """Carry out an act on the store of these places. Raises RelayError."""
    config, folder = load_checked(arguments.config), data_folder(arguments)
    url = config.database.url.get_secret_value()
    make_ready(folder, url)

    async def run() -> None:
        async with (
            open_database(folder, url) as engine,
            open_accounts(config, engine, signing_secrets(config, folder), lambda: datetime.now(UTC)) as desk,
        ):
            await act(desk)

    asyncio.run(run())
    return 0


async def named(desk: AccountDesk, login: str) -> User:
    """A user by name or e-mail address. Raises RelayError."""
    assert_text(login)
    async with reading(desk.engine) as transaction:
        found = await users.find(transaction, login)
    if found is None:
        raise RelayError(f"there is no user {login!r}: `monorelay user list` shows all")
    return found[0]


def read_password() -> str:
    """Typed twice, or one line of a pipe; never an argument, which others see. Raises RelayError.

    Before anything runs in a loop, which would take Ctrl-C for itself.
    """
    try:
        first = _typed() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except EOFError as error:
        raise RelayError("no password was given") from error
    except UnicodeDecodeError as error:
        raise RelayError("the password is not UTF-8") from error
    assert_text(first)
    return first


def _typed() -> str:
    first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
    if first != second:
        raise RelayError("the two passwords differ")
    return first


def assert_text(text: str) -> None:
    """Raises RelayError for bytes that are no UTF-8, which Python lets through in arguments and pipes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RelayError("what was given is not UTF-8") from error
