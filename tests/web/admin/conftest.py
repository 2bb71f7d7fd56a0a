"""A relay that follows a file, and an admin who changes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from relay.commands.places import CHECKS
from relay.config.source import ConfigSource
from relay.config.versions import Versions
from relay.core.configuring.desk import ConfigDesk
from relay.reloading import Reloader
from relay.state import World
from relay.store.changing import reading
from relay.store.tables import audit
from tests.conftest import StartUpstream
from tests.support.running import ACCESS_KEY, RunningRelay, running_relay
from tests.support.scripted import Out, Received, answers
from tests.web.accounts.client import PASSWORD, Answer, Api, Calendar

ANSWER = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
SECRET = "sk-admin-canary-0123456789"
FILE = f"""\
# The operator's own words.
server:
  host: 127.0.0.1
  access_key: {ACCESS_KEY}  # kept in a safe
auth: {{bcrypt_cost: 4}}
providers:
  # The first one.
  up:
    base_url: URL/v1
    models: {{include: [m]}}
    keys:
      - key: {SECRET}-1  # Ann's
        label: a
      - key: {SECRET}-2
  # The second one.
  down:
    enabled: false
    base_url: http://127.0.0.1:9/v1
    keys: [{{key: {SECRET}-3}}]
"""


@dataclass
class Admin:
    """One with the access key, unless another credential is given."""

    relay: RunningRelay
    path: Path
    reloader: Reloader
    api: Api

    @property
    def text(self) -> str:
        """The file."""
        return self.path.read_text()

    async def call(self, method: str, path: str, body: Any = None, *, by: str = ACCESS_KEY, **headers: str) -> Answer:
        """A request; no answer ever holds a secret."""
        answer = await self.api.call(method, path, body, by=by, **headers)
        assert SECRET.encode() not in answer.raw
        assert ACCESS_KEY.encode() not in answer.raw
        return answer

    async def plain_admin(self, root: str) -> str:
        """The access token of an admin whom a super admin has made."""
        made = {"username": "ann", "email": "ann@example.org", "password": PASSWORD, "role": "admin"}
        assert (await self.call("POST", "/api/users", made, by=root)).status == 201
        token: str = (await self.api.log_in("ann")).json["access_token"]
        return token

    async def audited(self) -> list[tuple[str, str, str]]:
        """Who did what to what, by the log."""
        lines = sa.select(audit.c.actor, audit.c.action, audit.c.subject).order_by(audit.c.id)
        async with reading(self.relay.state.accounts.engine) as connection:
            return [(row[0], row[1], row[2]) for row in await connection.execute(lines)]


async def lists_and_serves(request: Received, out: Out) -> None:
    await answers(200, b'{"data":[{"id":"m"},{"id":"n"}]}' if request.method == "GET" else ANSWER)(request, out)


@pytest.fixture
async def admin(tmp_path: Path, start_upstream: StartUpstream) -> AsyncIterator[Admin]:
    upstream = await start_upstream(lists_and_serves)
    path = tmp_path / "config.yml"
    path.write_text(FILE.replace("URL", upstream.url))
    source, world = ConfigSource(path, {}, CHECKS), World()
    loaded = await asyncio.to_thread(source.load)
    versions = Versions(tmp_path / "versions")
    async with running_relay(loaded.config, world) as relay, aiohttp.ClientSession() as session:
        reloader = Reloader(source, loaded, loaded.config, relay.front.adopt, world.now, keep=versions.keep)
        relay.state.reload_status = lambda: reloader.status
        relay.state.config_desk = ConfigDesk(source, versions, reloader, relay.state.accounts)
        await reloader.keep(loaded)
        yield Admin(relay, path, reloader, Api(relay, session, Calendar()))
