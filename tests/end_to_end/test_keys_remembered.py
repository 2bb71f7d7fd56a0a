"""A daemon that starts again knows what its keys have been used for."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.conftest import StartUpstream
from tests.support.daemon import daemon
from tests.support.running import ACCESS_KEY, provider
from tests.support.scripted import answers

GOOD = answers(200, b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}')


async def test_a_quota_holds_through_a_restart(tmp_path: Path, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(GOOD)
    up = provider(upstream.url, default=True)
    up["keys"][0]["quota_limit"] = 3
    told = []
    for _ in range(2):
        async with daemon(tmp_path, {"up": up}) as relay, aiohttp.ClientSession() as http:
            for _ in range(2):
                url, headers = f"{relay.url}/v1/chat/completions", {"x-api-key": ACCESS_KEY}
                async with http.post(url, data=b'{"model":"m"}', headers=headers) as answer:
                    told.append((answer.status, (await answer.json()).get("error", {}).get("code")))
            assert await relay.end() == 0
    assert told == [(200, None), (200, None), (200, None), (503, "no_available_key")]
    assert [request.method for request in upstream.received].count("POST") == 3
