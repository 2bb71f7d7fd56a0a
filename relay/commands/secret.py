"""`monorelay secret rotate`: another secret signs access tokens; what the old one signed lives its time."""

from __future__ import annotations

import argparse

from relay.commands.accounts import CLI, NOWHERE, add_places, with_desk
from relay.commands.places import data_folder, load_checked
from relay.core.accounts.desk import AccountDesk
from relay.errors import RelayError
from relay.identity import Act
from relay.store.changing import changing
from relay.store.signing_secret import rotate


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("secret", help="the secret that signs tokens: rotate", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    rotating = acts.add_parser("rotate", help="make another one; restart the daemon afterwards")
    add_places(rotating)
    rotating.set_defaults(run=run)


async def _leave_a_line(desk: AccountDesk) -> None:
    async with changing(desk.engine, Act(CLI.name, NOWHERE, desk.now())) as change:
        await change.audited("secret_rotated", "-")


def run(arguments: argparse.Namespace) -> int:
    """Rotate. Raises RelayError where the configuration holds the secrets."""
    if load_checked(arguments.config).auth.jwt_secrets:
        raise RelayError("the secrets stand in auth.jwt_secret: put a new one first there, and keep the old one second")
    path = rotate(data_folder(arguments))
    with_desk(arguments, _leave_a_line)
    print(f"{path} has a new secret: restart the daemon. Tokens of the old one are good until they expire.")
    return 0
