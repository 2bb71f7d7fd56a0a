"""`monorelay key`: API keys of users from the command line."""

from __future__ import annotations

import argparse

from relay.commands.accounts import NOWHERE, add_places, named, with_desk
from relay.core.accounts import keys
from relay.core.accounts.desk import AccountDesk
from relay.identity import User
from relay.model import Limits, Principal
from relay.web.accounts.bodies import KeyBody, read_fields
from relay.web.accounts.request import MAX_ID, MAX_ID_DIGITS


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("key", help="API keys of users: add, list, revoke", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    adding = acts.add_parser("add", help="make a key and print it, this once")
    adding.add_argument("user", help="name or e-mail address")
    adding.add_argument("name", help="of the key")
    adding.add_argument("--model", action="append", dest="models", metavar="GLOB", help="may be repeated; default: all")
    adding.add_argument("--expires-at", metavar="TIME", help="such as 2027-01-31T12:00:00Z")
    listing = acts.add_parser("list", help="a user's keys, without their secrets")
    listing.add_argument("user")
    revoking = acts.add_parser("revoke", help="delete a key")
    revoking.add_argument("user")
    revoking.add_argument("number", type=_number, help="as `list` shows it")
    for act, carry_out in ((adding, _add), (listing, _list), (revoking, _revoke)):
        add_places(act)
        act.set_defaults(run=run, carry_out=carry_out)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS and int(text) <= MAX_ID):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of a key")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act. Raises RelayError."""
    return with_desk(arguments, lambda desk: arguments.carry_out(desk, arguments))


def _as(user: User) -> Principal:
    """Keys are their owner's; the audit log tells that the command line acted."""
    return Principal(f"cli for {user.username}", user.role, user.id)


async def _add(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    given = {"name": arguments.name, "expires_at": arguments.expires_at, "limits": {"models": arguments.models}}
    body = read_fields(KeyBody, given)
    limits = Limits() if body.limits is None else body.limits.value()
    owner = await named(desk, arguments.user)
    made = await keys.make(desk, _as(owner), body.name, limits, body.expires_at, NOWHERE)
    print(made.secret)


async def _list(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    for key in await keys.own(desk, _as(await named(desk, arguments.user))):
        state = "active" if key.is_active else "inactive"
        expires = "never" if key.expires_at is None else key.expires_at.isoformat(timespec="seconds")
        used = "never" if key.last_used_at is None else key.last_used_at.isoformat(timespec="seconds")
        print(f"{key.id}\t{key.name}\t{key.prefix}...\t{state}\texpires {expires}\tused {used}")


async def _revoke(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    await keys.revoke(desk, _as(await named(desk, arguments.user)), arguments.number, NOWHERE)
    print(f"key {arguments.number} was revoked")
