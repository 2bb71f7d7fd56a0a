"""Canaries: no secret of an account is in a log, a file, an upstream's request, or an answer but its own."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartUpstream
from tests.support.daemon import Daemon, daemon
from tests.support.running import ACCESS_KEY, provider
from tests.support.scripted import answers

PASSWORD, SECOND_PASSWORD, THIRD_PASSWORD = "canary horse battery", "canary second horse", "canary third horse"
WRONG_FIELD = "canary-password-typed-as-a-name"
GIVEN = ("access_token", "refresh_token", "key", "code")
"""Fields of answers that give a secret."""


@dataclass
class Watcher:
    """Acts, and remembers every secret and every answer."""

    relay: Daemon
    http: aiohttp.ClientSession
    secrets: set[str] = field(
        default_factory=lambda: {ACCESS_KEY, PASSWORD, SECOND_PASSWORD, THIRD_PASSWORD, WRONG_FIELD}
    )
    seen: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, *, by: str, expected: int) -> Any:
        """What the answer gives; all else of it is to be searched."""
        headers = {"Authorization": f"Bearer {by}", "X-Request-Id": "a", "User-Agent": "canaries"}
        async with self.http.request(method, f"{self.relay.url}{path}", json=body, headers=headers) as answer:
            told = await answer.json() if await answer.read() else {}
            assert answer.status == expected, told
            shown = told | told.pop("data") if isinstance(told.get("data"), dict) else told
            given = {name: shown.pop(name) for name in GIVEN if name in shown}
            self.secrets |= set(given.values())
            self.seen.append(f"{answer.headers!r} {shown!r}")
            return {**shown, **given}


async def act(watcher: Watcher) -> None:
    """Everything that there is to do, well and badly."""
    ask = watcher.ask
    account = {"username": "root", "email": "root@example.org", "password": PASSWORD}
    root = (await ask("POST", "/api/auth/register", account, by=ACCESS_KEY, expected=201))["access_token"]
    invite = await ask("POST", "/api/invites", {}, by=root, expected=201)
    await ask("POST", "/api/invites", {"role": "admin"}, by=ACCESS_KEY, expected=403)
    alice = {"username": "alice", "email": "alice@example.org", "password": PASSWORD}
    await ask("POST", "/api/auth/register", {**alice, "setup_token": WRONG_FIELD}, by="x", expected=403)
    alice["invite"] = invite["code"]
    await ask("POST", "/api/auth/register", {**alice, "password": "canary"}, by="x", expected=400)
    await ask("POST", "/api/auth/register", {**alice, "surprise": WRONG_FIELD}, by="x", expected=400)
    told = await ask("POST", "/api/auth/register", alice, by="x", expected=201)
    await ask("POST", "/api/auth/register", alice, by="x", expected=403)
    again = await ask("POST", "/api/auth/refresh", {"refresh_token": told["refresh_token"]}, by="x", expected=200)
    await ask("POST", "/api/auth/login", {"username": WRONG_FIELD, "password": PASSWORD}, by="x", expected=401)
    await ask("POST", "/api/auth/login", {"username": "alice", "password": THIRD_PASSWORD}, by="x", expected=401)
    token = (await ask("POST", "/api/auth/login", {"username": "alice", "password": PASSWORD}, by="x", expected=200))[
        "access_token"
    ]
    key = await ask("POST", "/api/keys", {"name": "laptop"}, by=token, expected=201)
    await call_with_all(watcher, root, token, told["access_token"], again["access_token"], key["key"], ACCESS_KEY)
    await ask("GET", "/api/keys", by=token, expected=200)
    await ask("GET", "/api/invites", by=root, expected=200)
    await ask("GET", "/api/users", by=root, expected=200)
    change = {"old_password": PASSWORD, "new_password": SECOND_PASSWORD}
    await ask("POST", "/api/auth/change-password", {**change, "old_password": THIRD_PASSWORD}, by=token, expected=400)
    await ask("POST", "/api/auth/change-password", change, by=token, expected=204)
    await ask("DELETE", f"/api/keys/{key['id']}", by=token, expected=204)
    await ask("POST", "/api/auth/logout", {"refresh_token": again["refresh_token"]}, by=token, expected=204)
    for gone in (key["key"], token, f"{token}x", WRONG_FIELD):
        await ask("POST", "/v1/chat/completions", {"model": "m", "messages": []}, by=gone, expected=401)


async def call_with_all(watcher: Watcher, *credentials: str) -> None:
    """Relayed calls, good and bad, whose credential is in every header that may hold one."""
    for one in credentials:
        for header in ({"x-api-key": one}, {"api-key": one}, {"Authorization": f"Bearer {one}"}):
            for path, model in (("/v1/chat/completions", "m"), ("/v1/messages", "nobody-knows")):
                body: dict[str, Any] = {"model": model, "messages": []}
                async with watcher.http.post(f"{watcher.relay.url}{path}", json=body, headers=header) as answer:
                    assert answer.status in (200, 401, 404)
                    watcher.seen.append(f"{answer.headers!r} {await answer.text()}")


def spellings(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, base64.b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"="), raw.hex().encode()]


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_secret_of_an_account_is_anywhere(
    tmp_path: Path, start_upstream: StartUpstream, log_format: str
) -> None:
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    server = {"log_level": "DEBUG", "log_format": log_format}
    providers = {"up": provider(upstream.url, models={"include": ["m"]})}
    auth = {"registration": "invite", "bcrypt_cost": 4}
    async with daemon(tmp_path, providers, server=server, auth=auth) as relay, aiohttp.ClientSession() as http:
        watcher = Watcher(relay, http)
        await act(watcher)
        files = [path for path in (tmp_path / "data").iterdir() if path.is_file()]  # Versions of config.yml are below.
        while_it_ran = [path.read_bytes() for path in files if path.name != "jwt.secret"]
        assert await relay.end() == 0
    signing = (tmp_path / "data" / "jwt.secret").read_text(encoding="ascii").strip()
    places = {
        "log": "".join(relay.lines).encode(),
        "store": b"".join([*while_it_ran, *(path.read_bytes() for path in (tmp_path / "data").glob("*.db*"))]),
        "upstream": b"".join(f"{one.headers!r}".encode() + one.body for one in upstream.received),
        "answers": "\n".join(watcher.seen).encode(),
    }
    assert len(watcher.secrets) >= 15
    assert len(upstream.received) >= 10
    for place, text in places.items():
        assert len(text) > 1000, place
        found = [secret for secret in {*watcher.secrets, signing} if any(one in text for one in spellings(secret))]
        assert found == [], place
