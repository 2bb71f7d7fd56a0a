"""How long a failed log-in takes does not tell who has an account."""

from __future__ import annotations

import logging
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.support.daemon import Daemon, daemon
from tests.support.running import ACCESS_KEY

PASSWORD = "correct horse battery"
EARLY, COST = 6, 8
"""Of bcrypt: before it was raised, and now."""
SERVER = {"trusted_proxies": ["127.0.0.1"]}
figures = logging.getLogger("proof")


def at_cost(cost: int) -> dict[str, object]:
    return {"registration": "open", "bcrypt_cost": cost}


async def add(http: aiohttp.ClientSession, relay: Daemon, name: str, *, is_active: bool = True) -> None:
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "is_active": is_active}
    headers = {"x-api-key": ACCESS_KEY}
    async with http.post(f"{relay.url}/api/users", json=account, headers=headers) as answer:
        assert answer.status == 201


async def failed_log_in_ms(http: aiohttp.ClientSession, relay: Daemon, name: str, number: int) -> float:
    """Each comes from an address of its own, so that nobody is throttled."""
    headers = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
    body = {"username": name, "password": "wrong one"}
    started_s = time.perf_counter()
    async with http.post(f"{relay.url}/api/auth/login", json=body, headers=headers) as answer:
        await answer.read()
    assert answer.status == 401
    return (time.perf_counter() - started_s) * 1000


@pytest.mark.proof
async def test_known_and_unknown_users_take_the_same_time(tmp_path: Path, proof_count: Callable[[int], int]) -> None:
    """In random order: an unknown user, one of today, one whose hash is cheaper, and one who is switched off."""
    async with aiohttp.ClientSession() as http:
        async with daemon(tmp_path, server=SERVER, auth=at_cost(EARLY)) as relay:
            await add(http, relay, "early")
        async with daemon(tmp_path, server=SERVER, auth=at_cost(COST)) as relay:
            await add(http, relay, "alice")
            await add(http, relay, "idle", is_active=False)
            taken_ms: dict[str, list[float]] = {"nobody": [], "alice": [], "early": [], "idle": []}
            names = list(taken_ms) * proof_count(200)
            random.Random(9).shuffle(names)
            for number, name in enumerate(names):
                taken_ms[name].append(await failed_log_in_ms(http, relay, name, number))
    count = len(taken_ms["nobody"])
    quick_ms = {name: statistics.quantiles(times)[0] for name, times in taken_ms.items()}
    figures.info("%d each, first quartiles: %s ms", count, {name: round(ms, 2) for name, ms in quick_ms.items()})
    for name in ("alice", "early", "idle"):  # Whatever else the machine does only adds time, most to the slow ones.
        assert quick_ms[name] == pytest.approx(quick_ms["nobody"], rel=0.05 + 2 / count), name
