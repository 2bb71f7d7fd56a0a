"""A client of the account API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from relay.state import World
from tests.support.running import ACCESS_KEY, RunningRelay

PASSWORD = "correct horse battery"
SECOND_PASSWORD = "staple correct horse"


class Calendar:
    """The time of day, which goes on when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)

    def world(self) -> World:
        return World(now=self)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes
    json: Any

    @property
    def data(self) -> Any:
        """What is in the envelope."""
        return self.json["data"]

    @property
    def error(self) -> Any:
        """What is wrong."""
        return self.json["error"]


class Api:
    """Speaks to one relay as whoever it is told to."""

    def __init__(self, relay: RunningRelay, session: aiohttp.ClientSession, calendar: Calendar) -> None:
        self.relay = relay
        self.calendar = calendar
        self._session = session

    async def call(self, method: str, path: str, body: Any = None, *, by: str | None = None, **headers: str) -> Answer:
        """One request; `by` is a credential, sent as a standard SDK would."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            sent["Authorization"] = f"Bearer {by}"
        data = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self._session.request(method, f"{self.relay.url}{path}", headers=sent, **data) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json" and bool(raw)
            return Answer(answer.status, answer.headers, raw, await answer.json() if is_json else None)

    async def register(self, name: str = "alice", password: str = PASSWORD, **more: Any) -> Answer:
        """A registration; `by` may be among `more`."""
        by = more.pop("by", None)
        body = {"username": name, "email": f"{name}@example.org", "password": password, **more}
        return await self.call("POST", "/api/auth/register", body, by=by)

    async def token(self, name: str = "alice") -> str:
        """The access token of a new user."""
        answer = await self.register(name)
        assert answer.status == 201, answer.raw
        token: str = answer.json["access_token"]
        return token

    async def super_admin(self, name: str = "root") -> str:
        """The access token of the first super admin."""
        answer = await self.register(name, by=ACCESS_KEY)
        assert answer.json["user"]["is_super_admin"] is True
        token: str = answer.json["access_token"]
        return token

    async def log_in(self, name: str = "alice", password: str = PASSWORD) -> Answer:
        """A log-in."""
        return await self.call("POST", "/api/auth/login", {"username": name, "password": password})

    async def refresh(self, token: str) -> Answer:
        """A refresh."""
        return await self.call("POST", "/api/auth/refresh", {"refresh_token": token})

    async def works(self, credential: str) -> bool:
        """Whether a call can be made with it."""
        body = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
        answer = await self.call("POST", "/v1/chat/completions", body, by=credential)
        assert answer.status in (200, 401), answer.raw
        return answer.status == 200
