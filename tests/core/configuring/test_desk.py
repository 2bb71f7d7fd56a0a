"""The order of things at the desk: checked, noted, saved, taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from relay.config.schema import Config
from relay.config.source import ConfigSource, Loaded
from relay.config.versions import Versions
from relay.core.configuring.desk import ConfigDesk, Doing
from relay.core.configuring.shown import Shown
from relay.core.reload_status import ReloadStatus
from relay.errors import ConfigError, Forbidden, Problem, StaleVersion, StoreError
from relay.model import Principal, Role
from relay.store.changing import reading
from relay.store.tables import audit
from tests.support.accounts import new_accounts
from tests.support.running import configuration

OLD = "server: {host: 127.0.0.1, access_key: one-real-key-0123456789}\n"
NEW = OLD + "# new\n"
DOING = Doing(Principal("access-key", Role.ADMIN), "127.0.0.1", "changed", "it")
NO = ConfigError([Problem("config.yml", None, "server.host", "is not to be")])


class Follower:
    """Refuses when it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.status = ReloadStatus("", datetime.now(UTC))
        self.refuses_before = self.refuses_after = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.reloads = asyncio.Event()

    def checked(self, loaded: Loaded) -> Config:
        if self.refuses_before:
            raise NO
        return loaded.config

    async def reload(self) -> None:
        self.reloads.set()
        await self.goes_on.wait()
        if self.refuses_after:
            self.status = replace(self.status, problems=NO.problems)


@dataclass
class Office:
    """A desk and what is around it."""

    desk: ConfigDesk
    follower: Follower
    path: Path

    async def audited(self) -> list[str]:
        async with reading(self.desk.accounts.engine) as connection:
            lines = await connection.execute(sa.select(audit.c.action).order_by(audit.c.id))
            return [row[0] for row in lines]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    path = tmp_path / "config.yml"
    path.write_text(OLD)
    follower = Follower(path)
    async with new_accounts(configuration(), lambda: datetime.now(UTC)) as accounts:
        desk = ConfigDesk(ConfigSource(path, {}), Versions(tmp_path / "versions"), follower, accounts)
        yield Office(desk, follower, path)


def new(shown: Shown) -> str:
    return NEW


async def test_what_would_not_be_taken_over_is_not_saved_and_not_noted(office: Office) -> None:
    office.follower.refuses_before = True
    with pytest.raises(ConfigError, match="is not to be"):
        await office.desk.change(DOING, new)
    assert (office.path.read_text(), await office.audited()) == (OLD, [])


async def test_what_is_not_taken_over_after_all_is_told(office: Office) -> None:
    office.follower.refuses_after = True
    with pytest.raises(ConfigError, match="is not to be"):
        await office.desk.change(DOING, new)
    assert (office.path.read_text(), await office.audited()) == (NEW, ["changed"])


async def test_without_a_line_in_the_audit_log_nothing_is_saved(office: Office) -> None:
    async with office.desk.accounts.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE audit RENAME TO gone"))
    with pytest.raises(StoreError):
        await office.desk.change(DOING, new)
    assert office.path.read_text() == OLD


async def test_an_editor_that_comes_between_is_not_overwritten_and_the_failure_is_noted(office: Office) -> None:
    def slow(shown: Shown) -> str:
        office.path.write_text(OLD + "# by hand\n")
        return NEW

    with pytest.raises(StaleVersion):
        await office.desk.change(DOING, slow)
    assert office.path.read_text() == OLD + "# by hand\n"
    assert await office.audited() == ["changed", "changed_failed"]


async def test_a_client_that_leaves_changes_nothing_of_it(office: Office) -> None:
    office.follower.goes_on.clear()
    asked = asyncio.create_task(office.desk.accounts.finishing.run(office.desk.change(DOING, new)))
    await office.follower.reloads.wait()
    asked.cancel()
    office.follower.goes_on.set()
    await office.desk.accounts.finishing.over()
    assert (office.path.read_text(), await office.audited()) == (NEW, ["changed"])
    assert not office.desk.lock.locked()


async def test_nothing_is_made_for_who_may_not(office: Office) -> None:
    def never(shown: Shown) -> str:
        raise AssertionError("it was made")

    ann = Principal("ann", Role.ADMIN, user_id=1)
    for act in (office.desk.change, office.desk.replace):
        with pytest.raises(Forbidden):
            await act(replace(DOING, principal=ann), never)
    with pytest.raises(Forbidden):
        await office.desk.check(ann, never)


async def test_a_version_is_parsed_once(office: Office) -> None:
    assert await office.desk.read() is await office.desk.read()
