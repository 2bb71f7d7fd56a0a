"""Tries that are counted before they are looked at, so that many at once are many: passwords, and registrations."""

from __future__ import annotations

from datetime import datetime

from relay.core import throttle
from relay.core.accounts.desk import AccountDesk
from relay.core.credentials import digest_of
from relay.errors import TooManyRequests
from relay.store import throttles, users
from relay.store.changing import writing
from relay.store.database import Transaction
from relay.store.throttles import Scope


async def count_password(desk: AccountDesk, login: str, client_ip: str) -> None:
    """One more password for an account from an address. Raises TooManyRequests where it has to wait."""
    now, group = desk.now(), throttle.group_of(client_ip)
    account = _account(login, group)
    async with writing(desk.engine) as transaction:
        of_account = await throttles.held(transaction, Scope.ACCOUNT, account, now)
        of_address = await throttles.held(transaction, Scope.ADDRESS, group, now)
        wait_s = max(throttle.wait_s(of_account, now), throttle.wait_s(of_address, now))
        if wait_s:
            raise TooManyRequests("Too many wrong passwords", retry_after_s=wait_s)
        counted = throttle.failed(of_account, now, throttle.OF_ACCOUNT)
        await throttles.write(transaction, Scope.ACCOUNT, account, counted)
        counted = throttle.failed(of_address, now, throttle.OF_ADDRESS)
        await throttles.write(transaction, Scope.ADDRESS, group, counted)


async def count_registration(desk: AccountDesk, client_ip: str) -> None:
    """One more registration from an address: each costs a hash, and may be an account. Raises TooManyRequests."""
    now, group = desk.now(), throttle.group_of(client_ip)
    async with writing(desk.engine) as transaction:
        known = await throttles.held(transaction, Scope.REGISTRATION, group, now)
        wait_s = throttle.wait_s(known, now)
        if wait_s:
            raise TooManyRequests("Too many registrations", retry_after_s=wait_s)
        counted = throttle.failed(known, now, throttle.OF_REGISTRATIONS)
        await throttles.write(transaction, Scope.REGISTRATION, group, counted)


async def was_not_looked_at(desk: AccountDesk, login: str, client_ip: str) -> None:
    """It was no password at all: one less of both."""
    group, now = throttle.group_of(client_ip), desk.now()
    async with writing(desk.engine) as transaction:
        for scope, subject in ((Scope.ACCOUNT, _account(login, group)), (Scope.ADDRESS, group)):
            await _forgive(transaction, scope, subject, now)


async def was_right(transaction: Transaction, login: str, client_ip: str, now: datetime) -> None:
    """The account's failures are forgotten, of the address's this one: it may be guessing at other accounts."""
    group = throttle.group_of(client_ip)
    await throttles.clear(transaction, Scope.ACCOUNT, _account(login, group))
    await _forgive(transaction, Scope.ADDRESS, group, now)


async def _forgive(transaction: Transaction, scope: Scope, subject: str, now: datetime) -> None:
    known = await throttles.read(transaction, scope, subject)
    if known is not None:
        await throttles.write(transaction, scope, subject, throttle.forgiven(known, now))


def _account(login: str, group: str) -> str:
    """A digest: people type passwords into the wrong field."""
    return digest_of(f"{users.folded(login)} {group}")
