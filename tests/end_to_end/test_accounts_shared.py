"""Two daemons on one PostgreSQL: what is taken away in one is gone in the other within a second; and the store goes."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.store.postgres import migrate_postgres
from tests.support.daemon import Daemon, daemon
from tests.support.postgres import migrated_database, server_url
from tests.support.running import ACCESS_KEY

PASSWORD, SECOND_PASSWORD = "correct horse battery", "staple correct horse"
AUTH = {"registration": "open", "bcrypt_cost": 4, "jwt_secret": "a secret of the tests, 32 bytes!", "stale_ttl": 5}
CALL = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
POSTGRES = Path(__file__).parents[2] / ".ci" / "postgres"
figures = logging.getLogger("proof")


@dataclass
class Speaker:
    """Speaks to one daemon."""

    relay: Daemon
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: object = None, *, by: str = ACCESS_KEY) -> tuple[int, Any]:
        """Status and document."""
        headers = {"Authorization": f"Bearer {by}"}
        async with self.http.request(method, f"{self.relay.url}{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def register(self, name: str) -> Any:
        """A token answer."""
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        status, told = await self.ask("POST", "/api/auth/register", account)
        assert status == 201, told
        return told

    async def status_of_a_call(self, credential: str) -> int:
        """Of one with this credential."""
        return (await self.ask("POST", "/v1/chat/completions", CALL, by=credential))[0]


async def seconds_until(speaker: Speaker, credential: str, status: int) -> float:
    """How long a call goes on to be answered in another way."""
    started_s = time.monotonic()
    async with asyncio.timeout(30):
        while await speaker.status_of_a_call(credential) != status:
            pass  # A call takes as long as it takes.
    return time.monotonic() - started_s


Ending = Callable[[Speaker, str, Any], Coroutine[Any, Any, str]]


async def log_out(here: Speaker, root: str, told: Any) -> str:
    assert (await here.ask("POST", "/api/auth/logout", by=told["access_token"]))[0] == 204
    return str(told["access_token"])


async def change_password(here: Speaker, root: str, told: Any) -> str:
    _, other = await here.ask("POST", "/api/auth/login", {"username": told["user"]["username"], "password": PASSWORD})
    body = {"old_password": PASSWORD, "new_password": SECOND_PASSWORD}
    assert (await here.ask("POST", "/api/auth/change-password", body, by=other["access_token"]))[0] == 204
    return str(told["access_token"])


async def deactivate(here: Speaker, root: str, told: Any) -> str:
    assert (await here.ask("PATCH", f"/api/users/{told['user']['id']}", {"is_active": False}, by=root))[0] == 200
    return str(told["access_token"])


async def revoke_key(here: Speaker, root: str, told: Any) -> str:
    _, made = await here.ask("POST", "/api/keys", {"name": "k"}, by=told["access_token"])
    assert await here.status_of_a_call(made["data"]["key"]) == 200
    assert (await here.ask("DELETE", f"/api/keys/{made['data']['id']}", by=told["access_token"]))[0] == 204
    return str(made["data"]["key"])


@pytest.fixture
async def two_daemons(tmp_path: Path) -> AsyncIterator[tuple[Speaker, Speaker]]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(migrated_database())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        speakers = []
        for name in ("here", "there"):
            (tmp_path / name).mkdir()
            relay = await stack.enter_async_context(daemon(tmp_path / name, auth=AUTH, database_url=url))
            speakers.append(Speaker(relay, http))
        yield speakers[0], speakers[1]


@pytest.mark.proof
@pytest.mark.parametrize("ending", [log_out, change_password, deactivate, revoke_key])
async def test_what_is_taken_away_is_gone_in_the_other_process_within_a_second(
    two_daemons: tuple[Speaker, Speaker], ending: Ending, proof_count: Callable[[int], int]
) -> None:
    here, there = two_daemons
    root = (await here.register("root"))["access_token"]
    waits_s = []
    for number in range(proof_count(20)):
        told = await here.register(f"user{number}")
        assert await there.status_of_a_call(told["access_token"]) == 200
        credential = await ending(here, root, told)
        assert await here.status_of_a_call(credential) == 401
        waits_s.append(await seconds_until(there, credential, 401))
    figures.info("%s: gone elsewhere after %.2f s at most, %d times", ending.__name__, max(waits_s), len(waits_s))
    assert max(waits_s) <= 1


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[Callable[[str], str]]:
    """A server that may be stopped, and started again: called with `start` (again), `stop`."""
    server_url()  # Skips where there is no PostgreSQL.
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)  # The server runs as a user of its own.

    def control(what: str) -> str:
        done = subprocess.run([POSTGRES, what, tmp_path / "pg"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    yield control
    control("stop")


@pytest.mark.proof
async def test_while_the_store_is_gone_known_credentials_go_on_for_a_while(
    tmp_path: Path, own_postgres: Callable[[str], str]
) -> None:
    url = own_postgres("start")
    await migrate_postgres(url)
    async with daemon(tmp_path, auth=AUTH, database_url=url) as relay, aiohttp.ClientSession() as http:
        speaker = Speaker(relay, http)
        told = await speaker.register("root")
        _, made = await speaker.ask("POST", "/api/keys", {"name": "k"}, by=told["access_token"])
        token, key = told["access_token"], made["data"]["key"]
        own_postgres("stop")
        assert [await speaker.status_of_a_call(one) for one in (token, key, ACCESS_KEY)] == [200, 200, 200]
        login = {"username": "root", "password": PASSWORD}
        assert (await speaker.ask("POST", "/api/auth/login", login))[0] == 503
        believed_s = await seconds_until(speaker, token, 503)
        assert [await speaker.status_of_a_call(one) for one in (key, ACCESS_KEY, "wrong")] == [503, 200, 401]
        own_postgres("restart")
        back_s = await seconds_until(speaker, token, 200)
        assert await speaker.status_of_a_call(key) == 200
        assert await relay.end() == 0
    figures.info(
        "the store is gone: believed for %.1f s of 5, known again %.1f s behind its return", believed_s, back_s
    )
    assert believed_s <= 7
