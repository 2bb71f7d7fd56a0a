"""Tries that are counted before they are looked at, so that many at once are many.

The time is read behind the lock: whoever waits for it is not taken for somebody who comes too early.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from relay.core import throttle
from relay.core.accounts.desk import AccountDesk
from relay.core.throttle import OF_ACCOUNT, OF_ACTS, OF_ADDRESS, OF_REGISTRATIONS, Rule
from relay.errors import TooManyRequests
from relay.identity import User
from relay.store import throttles, users
from relay.store.changing import writing
from relay.store.database import Transaction
from relay.store.throttles import Scope

Counted = tuple[Scope, str, Rule]
"""What is counted, for whom, and how many are free."""


async def count_password(desk: AccountDesk, account: str, client_ip: str) -> None:
    """One more password for an account from an address. Raises TooManyRequests where it has to wait."""
    group = throttle.group_of(client_ip)
    both = [(Scope.ACCOUNT, f"{account} {group}", OF_ACCOUNT), (Scope.ADDRESS, group, OF_ADDRESS)]
    await _count(desk, both, "Too many wrong passwords")


async def count_registration(desk: AccountDesk, client_ip: str) -> None:
    """One more registration from an address: each costs a hash, and may be an account. Raises TooManyRequests."""
    counted = (Scope.REGISTRATION, throttle.group_of(client_ip), OF_REGISTRATIONS)
    await _count(desk, [counted], "Too many registrations")


async def count_act(desk: AccountDesk, user_id: int | None) -> None:
    """One more act of a user; None is the operator, who may do as much as they like. Raises TooManyRequests."""
    if user_id is not None:
        await _count(desk, [(Scope.ACT, str(user_id), OF_ACTS)], "Too many changes")


async def _count(desk: AccountDesk, all_counted: Sequence[Counted], reason: str) -> None:
    async with writing(desk.engine) as transaction:
        known = [await throttles.held(transaction, scope, subject) for scope, subject, _ in all_counted]
        now = desk.now()
        wait_s = max(throttle.wait_s(tries, now) for tries in known)
        if wait_s:
            raise TooManyRequests(reason, retry_after_s=wait_s)
        for (scope, subject, rule), tries in zip(all_counted, known, strict=True):
            await throttles.write(transaction, scope, subject, throttle.counted(tries, now, rule))


async def was_not_looked_at(desk: AccountDesk, account: str, client_ip: str) -> None:
    """It was no password at all: one less of both."""
    group = throttle.group_of(client_ip)
    async with writing(desk.engine) as transaction:
        for scope, subject in ((Scope.ACCOUNT, f"{account} {group}"), (Scope.ADDRESS, group)):
            await _forgive(transaction, scope, subject)


async def was_right(transaction: Transaction, account: str, client_ip: str) -> None:
    """The account's failures are forgotten, of the address's this one: it may be guessing at other accounts."""
    group = throttle.group_of(client_ip)
    await throttles.clear(transaction, Scope.ACCOUNT, f"{account} {group}")
    await _forgive(transaction, Scope.ADDRESS, group)


async def _forgive(transaction: Transaction, scope: Scope, subject: str) -> None:
    known = await throttles.read(transaction, scope, subject)
    if known is not None:
        await throttles.write(transaction, scope, subject, throttle.forgiven(known))


def account_of(desk: AccountDesk, login: str, user: User | None) -> str:
    """By whom passwords are counted: the user, whatever the name they log in by; else the name that nobody has.

    That one under a key of ours: people type passwords into the wrong field, and a plain digest could be guessed at.
    """
    if user is not None:
        return f"user {user.id}"
    return hmac.digest(desk.private_key, users.folded(login).encode("utf-8", "surrogatepass"), "sha256").hex()
