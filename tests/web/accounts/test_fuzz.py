"""Whatever the account API is sent, the answer is JSON and no fault of the relay's; the last super admin stays."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.web.accounts import bodies
from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import PASSWORD, Api

ROUTES = [
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("PATCH", "/api/auth/me"),
    ("POST", "/api/auth/change-password"),
    ("POST", "/api/keys"),
    ("PATCH", "/api/keys/1"),
    ("PATCH", "/api/keys/x"),
    ("POST", "/api/users"),
    ("PATCH", "/api/users/1"),
    ("PATCH", "/api/users/99999999"),
    ("POST", "/api/invites"),
]
FIELDS = sorted({name for kind in bodies.Body.__subclasses__() for name in kind.model_fields})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
LIKELY = st.sampled_from([
    "alice", "root", "a@example.org", PASSWORD, "user", "super_admin", "2030-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", 3600, 60, True, False, None, {"models": ["*"]},
    "\u0000", "x" * 300, "\u202e", "'; --",
])  # fmt: skip
VALUES = LIKELY | JSON
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(orjson.dumps),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(orjson.dumps),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)).map(orjson.dumps),
)


@pytest.mark.proof
async def test_ten_thousand_generated_bodies_make_no_5xx(
    api: Api, proof_count: Callable[[int], int], caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[tuple[str, str], bytes]] = []

    @settings(max_examples=proof_count(10_000), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(ROUTES), BODIES)
    def collect(route: tuple[str, str], body: bytes) -> None:
        asked.append((route, body))

    collect()
    root = await api.super_admin()
    for (method, path), body in asked:
        answer = await api.call(method, path, body, by=root)
        assert answer.status < 500, (method, path, body, answer.raw)
        assert answer.status == 204 or answer.json is not None, (method, path, body, answer.raw)
        if answer.status == 401 and path != "/api/auth/login" and path != "/api/auth/refresh":
            root = (await api.log_in("root")).json["access_token"]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.proof
async def test_no_sequence_of_calls_loses_the_last_super_admin(api: Api, proof_count: Callable[[int], int]) -> None:
    rng, names = random.Random(5), ["root"]
    tokens = {"root": await api.super_admin(), "operator": ACCESS_KEY}
    for number in range(3):
        body = {
            "username": f"user{number}",
            "email": f"user{number}@example.org",
            "password": PASSWORD,
            "role": "super_admin",
        }
        assert (await api.call("POST", "/api/users", body, by=tokens["root"])).status == 201
        names.append(f"user{number}")
        tokens[names[-1]] = (await api.log_in(names[-1])).json["access_token"]
    for _ in range(proof_count(2000)):
        by, user_id = rng.choice(list(tokens.values())), rng.randint(1, 5)
        change = rng.choice([
            {"role": "user"}, {"role": "admin"}, {"role": "super_admin"}, {"is_active": False}, {"is_active": True},
            None,
        ])  # fmt: skip
        method = "PATCH" if change is not None else "DELETE"
        answer = await api.call(method, f"/api/users/{user_id}", change, by=by)
        assert answer.status in (200, 204, 401, 403, 404, 409)
        assert api.relay.state.accounts.directory.has_super_admin
        if answer.status == 204:
            name = rng.choice(names)
            await api.register(name, by=ACCESS_KEY)
        if rng.random() < 0.2:
            name = rng.choice(names)
            login = await api.log_in(name)
            if login.status == 200:
                tokens[name] = login.json["access_token"]
