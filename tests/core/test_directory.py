"""Accounts in memory: a change is followed here at once, and by another process soon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from relay.config.schema import Config
from relay.core.access_keys import AccessKeys
from relay.core.accounts import governing, keys, logging_in
from relay.core.accounts.desk import AccountDesk
from relay.core.accounts.logging_in import LoggingIn
from relay.core.accounts.registering import Registering, register
from relay.core.accounts.tokens import TokenAnswer, refresh
from relay.core.credentials import Credentials, digest_of
from relay.core.directory import LOOKS_APART_S, POLL_S, Directory
from relay.errors import StoreError
from relay.model import Limits, Principal, Role
from relay.store import directory as stored
from relay.store import tables
from relay.store.changing import reading
from relay.store.database import open_database
from relay.store.users import UserChange
from tests.support.accounts import STORES, accounts_in, new_store, store_url
from tests.support.running import ACCESS_KEY, configuration
from tests.web.accounts.client import PASSWORD, Calendar

CONFIG = configuration(auth={"registration": "open"})


@pytest.fixture(params=STORES)
async def config(request: pytest.FixtureRequest) -> AsyncIterator[Config]:
    """With a store of its own, of both kinds."""
    async with store_url(request.param) as url:
        yield configuration(auth={"registration": "open"}, database={"url": url})


OPERATOR = Principal("access-key", Role.ADMIN)


async def registered(desk: AccountDesk, name: str, principal: Principal | None = None) -> TokenAnswer:
    asked = Registering(name, f"{name}@example.org", PASSWORD, None, None, "test")
    _, answer = await register(desk, asked, principal, "192.0.2.1")
    assert answer is not None
    return answer


def credentials(desk: AccountDesk) -> Credentials:
    return Credentials(AccessKeys(CONFIG), desk.signer, desk.directory)


def who(desk: AccountDesk, presented: str) -> str | None:
    principal = credentials(desk).match(presented, desk.now())
    return None if principal is None else principal.name


async def known(desk: AccountDesk, presented: str, name: str | None) -> None:
    """The next look at the store tells whose a credential is; None: nobody's."""
    await desk.directory.look()
    assert who(desk, presented) == name


async def test_another_process_follows_every_change(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, calendar) as here, accounts_in(tmp_path, config, calendar) as there:
        root = await registered(here, "root", OPERATOR)
        alice = await registered(here, "alice")
        await known(there, alice.access_token, "alice")
        principal = credentials(here).match(alice.access_token, calendar())
        assert principal is not None
        made = await keys.make(here, principal, "laptop", Limits(), None, "-")
        await known(there, made.secret, "alice/laptop")
        await keys.revoke(here, principal, made.key.id, "-")
        await known(there, made.secret, None)
        await logging_in.log_out(here, principal, None, client_ip="-")
        await known(there, alice.access_token, None)
        again = await logging_in.log_in(here, LoggingIn("alice", PASSWORD, "test"), "-")
        await known(there, again.access_token, "alice")
        super_admin = credentials(here).match(root.access_token, calendar())
        assert super_admin is not None
        await governing.change_user(here, super_admin, alice.user.id, UserChange(is_active=False), "-")
        await known(there, again.access_token, None)
        await governing.delete(here, super_admin, alice.user.id, "-")
        await there.directory.look()
        assert there.directory.user(alice.user.id) is None


async def test_what_another_process_has_just_made_is_known_when_it_is_asked_for(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, calendar) as here, accounts_in(tmp_path, config, calendar) as there:
        answer = await registered(here, "alice")
        known_there = credentials(there)
        assert known_there.match(answer.access_token, calendar()) is None
        assert await known_there.follow(answer.access_token, calendar())
        assert known_there.match(answer.access_token, calendar()) is not None


async def test_many_strings_that_nobody_knows_share_one_look_and_each_is_looked_for(
    config: Config, tmp_path: Path
) -> None:
    calendar, slept_s, clock_s = Calendar(), [], [0.0]

    async def sleep(how_long_s: float) -> None:
        slept_s.append(how_long_s)
        await asyncio.sleep(0)  # So that the others come meanwhile.
        clock_s[0] += how_long_s + 0.001

    new_store(tmp_path)
    url = config.database.url.get_secret_value()
    async with accounts_in(tmp_path, config, calendar) as here, open_database(tmp_path, url) as engine:
        there = Directory(engine, calendar, lambda: clock_s[0], sleep=sleep)
        await there.catch_up()
        assert not await there.look_soon()
        await registered(here, "alice")
        clock_s[0] += LOOKS_APART_S / 4
        assert all(await asyncio.gather(*(there.look_soon() for _ in range(50))))
    assert slept_s == [0.0, pytest.approx(LOOKS_APART_S * 3 / 4)]


async def test_a_process_that_can_follow_no_more_says_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, lines, ended = asyncio.Event(), [], []

    def tell(line: str, **more: object) -> None:
        lines.append(line)
        told.set()

    async def broken(transaction: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(logging.getLogger("relay.core.directory"), "critical", tell)
    new_store(tmp_path)
    async with open_database(tmp_path) as engine:
        directory = Directory(engine, Calendar())

        async def follow() -> None:
            async with directory.following(poll_s=0, on_fault=lambda: ended.append(True)):
                monkeypatch.setattr(stored, "version_of", broken)
                await told.wait()

        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(follow(), 10)
    assert (lines, ended) == (["accounts are followed no more: the process ends"], [True])


async def test_a_store_that_is_gone_for_a_while_is_followed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, looked = [], asyncio.Event()

    async def gone_at_first(transaction: object) -> int:
        looks.append(transaction)
        if len(looks) < 3:
            raise StoreError("gone")
        looked.set()
        return 0

    new_store(tmp_path)
    async with open_database(tmp_path) as engine:
        directory = Directory(engine, Calendar())
        async with directory.following(poll_s=0):
            monkeypatch.setattr(stored, "version_of", gone_at_first)
            await asyncio.wait_for(looked.wait(), 10)


async def test_accounts_are_believed_for_a_while_when_the_store_is_gone(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar, clock_s = Calendar(), [0.0]
    new_store(tmp_path)
    url = config.database.url.get_secret_value()
    async with accounts_in(tmp_path, config, calendar) as here, open_database(tmp_path, url) as engine:
        answer = await registered(here, "alice")
        directory = Directory(engine, calendar, lambda: clock_s[0], stale=timedelta(seconds=60))
        await directory.catch_up()
        there = Credentials(AccessKeys(CONFIG), here.signer, directory)

        async def gone(transaction: object) -> int:
            raise StoreError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(stored, "version_of", gone)
            clock_s[0] = 60
            assert there.match(answer.access_token, calendar()) is not None
            clock_s[0] = 60.1
            assert there.match(answer.access_token, calendar()) is None
            assert there.match(ACCESS_KEY, calendar()) is not None
            with pytest.raises(StoreError, match="stale_ttl"):
                await there.follow(answer.access_token, calendar())
            assert not await there.follow("neither a key nor a token", calendar())
        await directory.look()
        assert there.match(answer.access_token, calendar()) is not None


async def test_a_stale_key_is_good_no_more_either(config: Config, tmp_path: Path) -> None:
    calendar, clock_s = Calendar(), [0.0]
    new_store(tmp_path)
    url = config.database.url.get_secret_value()
    async with accounts_in(tmp_path, config, calendar) as here, open_database(tmp_path, url) as engine:
        answer = await registered(here, "alice")
        alice = credentials(here).match(answer.access_token, calendar())
        assert alice is not None
        made = await keys.make(here, alice, "laptop", Limits(), None, "-")
        directory = Directory(engine, calendar, lambda: clock_s[0], stale=timedelta(seconds=60))
        await directory.catch_up()
        assert directory.of_key(digest_of(made.secret), calendar()) is not None
        clock_s[0] = 61
        assert directory.of_key(digest_of(made.secret), calendar()) is None


async def test_what_can_be_no_credential_is_not_looked_for(config: Config, tmp_path: Path) -> None:
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, Calendar()) as desk:
        assert not await credentials(desk).follow("neither a key nor a token", desk.now())


async def test_a_process_looks_by_itself_and_soon(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    assert POLL_S < 1
    url = config.database.url.get_secret_value()
    async with accounts_in(tmp_path, config, calendar) as here, open_database(tmp_path, url) as engine:
        there = Directory(engine, calendar)
        async with there.following(poll_s=0.01):
            answer = await registered(here, "alice")
            async with asyncio.timeout(10):
                while there.user(answer.user.id) is None:
                    async with reading(engine):
                        pass  # As long as the store takes.


async def test_what_has_expired_is_forgotten_and_what_lives_is_not(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, calendar) as desk:
        first = await registered(desk, "alice")
        calendar.passes(days=5)
        second = await refresh(desk, first.refresh_token, "-")
        await desk.directory.look()
        calendar.passes(days=5)
        await desk.directory.tidy()
        third = await refresh(desk, second.refresh_token, "-")
        assert who(desk, third.access_token) == "alice"
        calendar.passes(days=8)
        await desk.directory.look()
        await desk.directory.tidy()
        async with reading(desk.engine) as transaction:
            counts = [
                (await transaction.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
                for table in (tables.sessions, tables.refresh_tokens, tables.changes)
            ]
        assert counts == [0, 0, 0]
        assert who(desk, third.access_token) is None


async def test_a_start_knows_what_was_before(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, calendar) as first:
        answer = await registered(first, "alice")
    async with accounts_in(tmp_path, config, calendar) as second:
        assert who(second, answer.access_token) == "alice"
        assert not second.directory.has_super_admin


async def test_who_has_not_followed_for_long_reads_everything_anew(config: Config, tmp_path: Path) -> None:
    calendar = Calendar()
    new_store(tmp_path)
    async with accounts_in(tmp_path, config, calendar) as here, accounts_in(tmp_path, config, calendar) as there:
        answer = await registered(here, "alice")
        calendar.passes(hours=1)
        await there.directory.catch_up()
        assert who(there, answer.access_token) == "alice"


@pytest.mark.proof
@pytest.mark.parametrize("kind", STORES)
async def test_of_two_who_set_up_at_once_one_is_super_admin(
    kind: str, tmp_path: Path, proof_count: Callable[[int], int]
) -> None:
    calendar = Calendar()
    for trial in range(proof_count(100)):
        folder = tmp_path / str(trial)
        folder.mkdir()
        new_store(folder)
        async with store_url(kind) as url:
            config = configuration(auth={"registration": "closed"}, database={"url": url})
            async with accounts_in(folder, config, calendar) as one, accounts_in(folder, config, calendar) as two:
                results = await asyncio.gather(
                    *(
                        register(desk, asking(name, desk.set_up.text), None, "-")
                        for name, desk in (("anna", one), ("bert", two))
                    ),
                    return_exceptions=True,
                )
                assert sorted(type(result).__name__ for result in results) == ["Forbidden", "tuple"], results
                users_, total = await governing.page(one, offset=0, limit=9)
                assert [user.role for user in users_] == [Role.SUPER_ADMIN]
                assert total == 1


def asking(name: str, set_up_token: str) -> Registering:
    return Registering(name, f"{name}@example.org", PASSWORD, None, set_up_token, "test")
