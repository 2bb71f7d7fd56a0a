"""`monorelay user`: accounts from the command line."""

from __future__ import annotations

import argparse

from relay.commands.accounts import CLI, NOWHERE, add_places, named, read_password, with_desk
from relay.core.accounts import governing
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.governing import Adding
from relay.model import Role
from relay.store.opening import found_ready, made_ready
from relay.store.users import UserChange
from relay.web.accounts.bodies import UserBody, read_fields

ROLES = tuple(role.name.lower() for role in Role)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("user", help="accounts: add, list, disable, enable, promote", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    adding = acts.add_parser("add", help="make an account; the password is asked for, or read from a pipe")
    adding.add_argument("name")
    adding.add_argument("email")
    role = adding.add_mutually_exclusive_group()
    role.add_argument("--role", choices=ROLES, default="user")
    role.add_argument("--super-admin", dest="role", action="store_const", const="super_admin")
    _set(adding, _add)
    _set(acts.add_parser("list", help="all accounts"), _list)
    for act in ("disable", "enable"):
        switching = acts.add_parser(act, help=f"{act} an account")
        switching.add_argument("name")
        _set(switching, _switch)
    promoting = acts.add_parser("promote", help="give an account another role")
    promoting.add_argument("name")
    promoting.add_argument("role", choices=ROLES)
    _set(promoting, _promote)
    resetting = acts.add_parser("reset-password", help="set another password, which ends every session")
    resetting.add_argument("name")
    _set(resetting, _reset_password)


def _set(parser: argparse.ArgumentParser, act: object) -> None:
    add_places(parser)
    parser.set_defaults(run=run, carry_out=act)


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act. Raises RelayError."""
    if arguments.act in ("add", "reset-password"):
        arguments.password = read_password()
    # The first user may come before the first start.
    make_ready = made_ready if arguments.act == "add" else found_ready
    return with_desk(arguments, lambda desk: arguments.carry_out(desk, arguments), make_ready)


async def _add(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    given = {"username": arguments.name, "email": arguments.email, "password": arguments.password}
    body = read_fields(UserBody, {**given, "role": arguments.role})
    user = await governing.add(desk, CLI, Adding(body.username, body.email, body.password, body.role), NOWHERE)
    print(f"{user.username} was added with the number {user.id} and the role {user.role.name.lower()}")


async def _list(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    offset, page_size = 0, 200
    while True:
        found, total = await governing.page(desk, offset=offset, limit=page_size)
        for user in found:
            state = "active" if user.is_active else "inactive"
            print(f"{user.id}\t{user.username}\t{user.email}\t{user.role.name.lower()}\t{state}")
        offset += page_size
        if offset >= total:
            return


async def _switch(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    user, is_active = await named(desk, arguments.name), arguments.act == "enable"
    await governing.change_user(desk, CLI, user.id, UserChange(is_active=is_active), NOWHERE)
    print(f"{user.username} is {'active' if is_active else 'inactive'}")


async def _promote(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    user = await named(desk, arguments.name)
    role = Role[arguments.role.upper()]
    await governing.change_user(desk, CLI, user.id, UserChange(role=role), NOWHERE)
    print(f"{user.username} has the role {arguments.role}")


async def _reset_password(desk: AccountDesk, arguments: argparse.Namespace) -> None:
    user = await named(desk, arguments.name)
    await governing.reset_password(desk, CLI, user.id, arguments.password, NOWHERE)
    print(f"{user.username} has another password; every session has ended")
