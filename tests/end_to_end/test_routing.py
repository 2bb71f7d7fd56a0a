"""Names, groups, fallbacks and conversations over HTTP: which provider and key a call comes to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import aiohttp
import orjson

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import RunningRelay, provider
from tests.support.scripted import Out, Received, answers

GOOD = answers(200, b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}')
BROKEN = answers(500, b'{"error":{"message":"no"}}')
USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ANSWER = {"role": "assistant", "content": "Hello"}


async def by_model(request: Received, out: Out) -> None:
    """A model whose name begins with `bad` fails."""
    is_bad = orjson.loads(request.body)["model"].startswith("bad")
    await (BROKEN if is_bad else GOOD)(request, out)


class Caller:
    """Calls a relay, and tells where its calls came to."""

    def __init__(self, relay: RunningRelay, http: aiohttp.ClientSession) -> None:
        self._relay = relay
        self._http = http
        self._calls = 0

    async def __call__(self, model: str, **fields: Any) -> str:
        """`model key` of the provider's that answered, or the error's code."""
        body = orjson.dumps({"model": model, "messages": [USER], **fields})
        async with self._http.post(f"{self._relay.openai_url}/chat/completions", data=body) as answer:
            document = await answer.json()
        self._calls += 1
        if answer.status != 200:
            return str(document["error"]["code"])
        record = (await self._relay.records(self._calls))[-1]
        assert record.target is not None
        return f"{record.target.model} {record.key_label}"


async def test_a_fallback_serves_where_the_model_fails(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(by_model)
    routing = {"fallbacks": {"bad-*": ["good"]}, "aliases": {"x": ["bad-1"]}}
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=routing)
    call = Caller(relay, http)
    assert [await call("bad-2"), await call("x")] == ["good key-1", "good key-1"]


async def test_a_cascade_goes_on_to_the_next_model(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(by_model)
    routing = {"cascade": {"enabled": True, "models": ["bad-1", "bad-2", "good"]}}
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=routing)
    assert await Caller(relay, http)("cascade") == "good key-1"


async def test_the_model_behind_auto_is_chosen_by_how_hard_the_prompt_looks(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(GOOD)
    routing = {"complexity": {"enabled": True, "simple": "s", "moderate": "m", "complex": "c"}}
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=routing)
    call = Caller(relay, http)
    prompts = ["Hi", "x" * 500, "x" * 20_000]
    found = [await call("auto", messages=[{"role": "user", "content": prompt}]) for prompt in prompts]
    assert found == ["s key-1", "m key-1", "c key-1"]
    async with http.get(f"{relay.openai_url}/models") as answer:
        assert [model["id"] for model in (await answer.json())["data"]] == ["auto"]


async def test_weights_share_out_the_calls_of_an_alias(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(GOOD)
    targets = [{"model": "a", "weight": 3}, {"model": "b", "weight": 1}, {"model": "c", "weight": 0}]
    routing = {"aliases": {"x": {"targets": targets, "strategy": "weighted"}}}
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=routing)
    call = Caller(relay, http)
    found = Counter([await call("x") for _ in range(200)])
    assert set(found) == {"a key-1", "b key-1"}
    assert 110 <= found["a key-1"] <= 190, "150 are expected; beyond this once in 10^9 runs"


async def test_a_model_that_takes_no_tools_is_passed_over_where_another_does(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(GOOD)
    relay = await start_relay(
        {"up": provider(upstream.url, default=True)},
        model_routing={"aliases": {"x": ["old", "new"]}},
        tool_calling={"auto_downgrade": False, "unsupported_models": ["old*"]},
    )
    call = Caller(relay, http)
    assert [await call("x", tools=[TOOL]), await call("x")] == ["new key-1", "old key-1"]


async def test_a_conversation_stays_with_its_key_and_others_go_round(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(GOOD)
    relay = await start_relay({"up": provider(upstream.url, keys=3, default=True)})
    call = Caller(relay, http)
    first = [await call("m", messages=[{"role": "user", "content": f"talk {number}"}]) for number in range(3)]
    assert first == ["m key-1", "m key-2", "m key-3"]
    for number in (2, 0, 1, 1, 2):
        messages = [{"role": "user", "content": f"talk {number}"}, ANSWER, USER]
        assert await call("m", messages=messages) == first[number]
    assert [await call("m") for _ in range(3)] == first, "who continues takes nobody's turn"


async def test_a_conversation_stays_with_its_target_while_that_serves(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    broken: set[str] = set()

    async def script(request: Received, out: Out) -> None:
        await (BROKEN if orjson.loads(request.body)["model"] in broken else GOOD)(request, out)

    upstream = await start_upstream(script)
    targets = [{"model": "a", "weight": 1}, {"model": "b", "weight": 1}]
    routing = {"aliases": {"x": {"targets": targets, "strategy": "weighted"}}}
    relay = await start_relay({"up": provider(upstream.url, default=True)}, model_routing=routing)
    call = Caller(relay, http)
    first = await call("x", prompt_cache_key="talk")
    assert {await call("x", prompt_cache_key="talk") for _ in range(20)} == {first}
    broken.add(first[0])
    second = await call("x", prompt_cache_key="talk")
    assert second != first
    broken.clear()
    assert {await call("x", prompt_cache_key="talk") for _ in range(20)} == {second}, "its cache is there now"
