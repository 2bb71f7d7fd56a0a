"""Cross-origin requests: off by default, an allow list when set, never with credentials."""

from __future__ import annotations

import aiohttp
import pytest

from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, RunningRelay

PAGE = "https://app.example.org"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


async def preflight(relay: RunningRelay, origin: str) -> tuple[int, str | None, str | None]:
    headers = {"Origin": origin, **PREFLIGHT}
    async with aiohttp.request("OPTIONS", f"{relay.openai_url}/chat/completions", headers=headers) as answer:
        allowed = answer.headers
        return answer.status, allowed.get("Access-Control-Allow-Origin"), allowed.get("Access-Control-Allow-Headers")


async def test_a_listed_origin_is_allowed(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"cors_origins": [PAGE]})
    assert await preflight(relay, PAGE) == (204, PAGE, "authorization, content-type")


async def test_another_origin_is_answered_and_allowed_nothing(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"cors_origins": [PAGE]})
    assert await preflight(relay, "https://evil.example") == (204, None, None)


async def test_without_a_list_nothing_is_allowed(start_relay: StartRelay) -> None:
    relay = await start_relay()
    assert await preflight(relay, PAGE) == (204, None, None)


async def test_a_star_allows_all(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"cors_origins": ["*"]})
    assert (await preflight(relay, PAGE))[1] == "*"


@pytest.mark.parametrize("stream", [b"true", b"false"])
@pytest.mark.parametrize("key", [ACCESS_KEY, "wrong"])
async def test_every_answer_tells_a_listed_origin_that_it_may_read(
    start_relay: StartRelay, stream: bytes, key: str
) -> None:
    relay = await start_relay(server={"cors_origins": [PAGE]})
    body = b'{"model":"demo","stream":%s,"messages":[{"role":"user","content":"x"}]}' % stream
    headers = {"Origin": PAGE, "x-api-key": key}
    async with aiohttp.request("POST", f"{relay.openai_url}/chat/completions", data=body, headers=headers) as answer:
        assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (PAGE, "Origin")
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_an_options_request_that_is_no_preflight_needs_a_credential(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"cors_origins": ["*"]})
    async with aiohttp.request("OPTIONS", f"{relay.openai_url}/chat/completions", headers={"Origin": PAGE}) as answer:
        assert answer.status == 401
