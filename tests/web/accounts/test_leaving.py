"""Clients that leave in the middle of an act: it is done as a whole or not at all, and nothing stays open."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import orjson
import pytest
import sqlalchemy as sa

from relay.store.changing import reading
from relay.store.tables import sessions, users
from tests.support.clients import Callers
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, Api

AT_ONCE = 15


def request(path: str, body: object) -> bytes:
    """As the operator, whose registrations are not throttled."""
    raw = orjson.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {ACCESS_KEY}\r\nContent-Length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


@pytest.mark.proof
async def test_requests_that_are_cancelled_leave_no_transaction_open_and_no_half_act(
    api: Api, call: Callers, proof_count: Callable[[int], int]
) -> None:
    rng, desk = random.Random(2), api.relay.state.accounts
    await api.register("first")

    async def come_and_leave(number: int) -> None:
        name = f"user{number}"
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        bodies = [("/api/auth/register", account), ("/api/auth/login", {"username": "first", "password": PASSWORD})]
        caller = await call(api.relay.port, request(*rng.choice(bodies)))
        for _ in range(rng.randint(0, 60)):
            await asyncio.sleep(0)
        caller.leave()

    count = proof_count(1000)
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(come_and_leave(start + number) for number in range(AT_ONCE)))
    await desk.finishing.over()
    async with reading(desk.engine) as transaction:
        homeless = sa.select(users.c.id).where(users.c.id.not_in(sa.select(sessions.c.user_id)))
        assert (await transaction.execute(homeless)).all() == []  # Under `open` each account begins with a session.
        made = (await transaction.execute(sa.select(sa.func.count()).select_from(users))).scalar_one()
    assert made > 1
    assert "Connections in pool" in desk.engine.pool.status()
    assert "Current Checked out connections: 0" in desk.engine.pool.status()
    assert (await api.register("last", by=ACCESS_KEY)).status == 201
    assert desk.hasher.waiting == 0
