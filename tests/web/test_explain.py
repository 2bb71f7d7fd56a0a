"""POST /api/explain over HTTP: for everybody who may call, without calling anybody."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import UPSTREAM_KEY, RunningRelay, provider
from tests.support.scripted import answers
from tests.web.accounts.client import Api, Calendar


async def explained(
    http: aiohttp.ClientSession, relay: RunningRelay, document: Any, status: int = 200
) -> dict[str, Any]:
    async with http.post(f"{relay.url}/api/explain", json=document) as answer:
        found: dict[str, Any] = await answer.json()
        assert answer.status == status, found
    return found


async def test_nobody_is_called_and_no_secret_is_told(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    relay = await start_relay({"up": provider(upstream.url, default=True, headers={"x-team": "header-canary"})})
    found = await explained(http, relay, {"body": {"model": "m", "messages": []}})
    assert found["targets"] == [
        {
            "provider": "up", "model": "m", "dialect": "chat", "available_keys": 1, "notes": [],
            "keys": [{"label": "key-1", "status": "ready", "wait_s": None, "in_flight": 0}],
        }
    ]  # fmt: skip
    assert found["request"] == {"model": "m", "messages": []}
    assert upstream.received == []
    for secret in (UPSTREAM_KEY, "header-canary", upstream.url):
        assert secret not in str(found)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "body"),
        ({"body": {}}, "model"),
        ({"body": {"model": "m"}, "endpoint": "/v1/nothing"}, "endpoint"),
        ({"body": {"model": "m", "stream": 1}}, "stream"),
        ({"body": {"model": "m"}, "more": 1}, "more"),
    ],
)
async def test_what_could_not_be_called_is_refused(
    start_relay: StartRelay, http: aiohttp.ClientSession, document: dict[str, Any], field: str
) -> None:
    found = await explained(http, await start_relay(), document, 400)
    assert found["error"]["param"] == field


async def test_a_model_that_nobody_has_is_explained_too(start_relay: StartRelay, http: aiohttp.ClientSession) -> None:
    relay = await start_relay({"up": provider("http://127.0.0.1:9", models={"include": ["m"]})})
    found = await explained(http, relay, {"body": {"model": "n"}, "endpoint": "/v1/embeddings"})
    assert (found["error"]["code"], found["request"], found["targets"]) == ("model_not_found", None, [])
    assert found["steps"] == [{"step": "detection", "result": "", "reason": "nobody knows 'n'"}]


async def test_users_see_no_keys_and_only_what_they_may_call(start_relay: StartRelay) -> None:
    async with aiohttp.ClientSession() as session:
        await only_what_it_may(Api(await start_relay(), session, Calendar()))


async def only_what_it_may(api: Api) -> None:
    root = await api.super_admin()
    secret = (await api.call("POST", "/api/keys", {"name": "k", "limits": {"models": ["demo"]}}, by=root)).data["key"]
    allowed = await api.call("POST", "/api/explain", {"body": {"model": "demo"}}, by=secret)
    assert allowed.status == 200, allowed.raw
    refused = await api.call("POST", "/api/explain", {"body": {"model": "other"}}, by=secret)
    assert refused.status == 403
    for who in (await api.token(), secret):
        told = await api.call("POST", "/api/explain", {"body": {"model": "demo"}}, by=who)
        assert "keys" not in told.json["targets"][0], "an API key is not its owner"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["model", "messages", "input", "tools", "stream", "n", "prompt", "metadata", "stream_options"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(FIELDS, JSON, max_size=5), has_model=st.booleans())
async def test_no_body_makes_a_fault(
    start_relay: StartRelay, http: aiohttp.ClientSession, body: dict[str, Any], has_model: bool
) -> None:
    relay = await start_relay()
    document = {"body": {**body, "model": "demo"} if has_model else body}
    async with http.post(f"{relay.url}/api/explain", json=document) as answer:
        assert answer.status in (200, 400), await answer.text()
        await answer.json()
