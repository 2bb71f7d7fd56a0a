"""Parameters, system prompts and tools, from the official SDKs to what arrives at a provider."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import anthropic
import openai
import orjson
import pytest

from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.end_to_end.test_sdks_upstream import BARE, CHAT, MESSAGES, REQUESTS, RESPONSES, answering
from tests.support.running import ACCESS_KEY, RunningRelay, provider
from tests.support.scripted import ScriptedUpstream, answers

MODEL = "asked-for"
ROUTING = {
    "aliases": {MODEL: "served-as@up"},
    "model_params": [{"model_pattern": "served-*", "params": {"top_p": 0.5, "temperature": 0.1}}],
    "payload_transformation": {
        "enabled": True,
        "rules": [
            {"models": ["asked-*"], "inject_params": {"metadata.team": "a"}, "override_params": {"user": "relay"}}
        ],
    },
    "global_params": {"enabled": True, "params": {"top_p": 0.9, "seed": 5}, "system_prompt": "Be brief."},
}
TOOLLESS = {"unsupported_models": ["served-*"]}
HELLO = {"role": "user", "content": "Grüße 👋🏽"}
both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
every_dialect = pytest.mark.parametrize("dialect", list(Dialect))

RAW: dict[Dialect, Callable[[Any], Callable[..., Any]]] = {
    CHAT: lambda client: client.chat.completions.with_raw_response.create,
    RESPONSES: lambda client: client.responses.with_raw_response.create,
    MESSAGES: lambda client: client.messages.with_raw_response.create,
}


def client_of(relay: RunningRelay, dialect: Dialect) -> Any:
    if dialect is MESSAGES:
        return anthropic.AsyncAnthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0)
    return openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0)


async def ask(relay: RunningRelay, dialect: Dialect, stream: bool, **params: Any) -> str | None:
    """The header that tells of changes; the answer, read to its end, must be one."""
    async with client_of(relay, dialect) as client:
        raw = await RAW[dialect](client)(model=MODEL, **params, **({"stream": True} if stream else {}))
        parsed = raw.parse()
        answer = await parsed if isawaitable(parsed) else parsed
        assert [event async for event in answer] if stream else answer
        found = raw.headers.get("X-MonoRelay-Changed")
        assert found is None or isinstance(found, str)
        return found


def received(upstream: ScriptedUpstream) -> dict[str, Any]:
    """The last body, without what the relay always sets."""
    body = orjson.loads(upstream.received[-1].body)
    assert isinstance(body, dict)
    return {name: value for name, value in body.items() if name not in ("model", "stream", "stream_options")}


@both
@every_dialect
async def test_every_layer_arrives_and_what_the_client_gave_stays(
    start_relay: StartRelay, start_upstream: StartUpstream, dialect: Dialect, stream: bool
) -> None:
    upstream = await start_upstream(answering(dialect))
    kind = "anthropic" if dialect is MESSAGES else "openai"
    given: dict[str, Any] = {"params": {"seed": 6, "extra.deep": [1, None]}, "system_prompt": "You are at up."}
    relay = await start_relay({"up": provider(upstream.url, kind=kind, **given)}, model_routing=ROUTING)
    own = {"temperature": 0.7, "user": "client", "metadata": {"mine": "b"}}
    assert await ask(relay, dialect, stream, **BARE[dialect], extra_body=own) is None
    prompt = "You are at up.\n\nBe brief."
    said: dict[Dialect, dict[str, Any]] = {
        CHAT: {"messages": [{"role": "system", "content": prompt}, HELLO]},
        RESPONSES: {"input": "Grüße 👋🏽", "instructions": prompt},
        MESSAGES: {"messages": [HELLO], "max_tokens": 9, "system": prompt},
    }
    assert received(upstream) == {
        **said[dialect],
        "temperature": 0.7,
        "top_p": 0.5,
        "user": "relay",
        "metadata": {"mine": "b", "team": "a"},
        "seed": 5,
        "extra": {"deep": [1, None]},
    }


async def test_completions_get_parameters_and_no_prompt(start_relay: StartRelay, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, b'{"choices": [{"text": "Hi", "index": 0}]}'))
    relay = await start_relay({"up": provider(upstream.url)}, model_routing=ROUTING)
    async with client_of(relay, CHAT) as client:
        await client.completions.create(model=MODEL, prompt="Hello")
    assert received(upstream) == {
        "prompt": "Hello", "temperature": 0.1, "top_p": 0.5, "seed": 5, "user": "relay", "metadata": {"team": "a"},
    }  # fmt: skip


async def test_a_count_of_tokens_is_of_what_would_be_sent(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, b'{"input_tokens": 5}'))
    up = provider(upstream.url, kind="anthropic")
    relay = await start_relay({"up": up}, model_routing=ROUTING, tool_calling=TOOLLESS)
    async with client_of(relay, MESSAGES) as client:
        cached = {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}
        tools = [{"name": "weather", "input_schema": {"type": "object"}}]
        count = await client.messages.count_tokens(model=MODEL, messages=[HELLO], system=[cached], tools=tools)
    assert count.input_tokens == 5
    assert received(upstream) == {"messages": [HELLO], "system": [{"type": "text", "text": "Be brief."}, cached]}


CALLED = '[Tool call call_1: weather({"city": "Köln"})]'
TOLD: dict[Dialect, dict[str, Any]] = {
    CHAT: {
        "messages": [
            HELLO,
            {"role": "assistant", "content": CALLED},
            {"role": "user", "content": "[Tool result call_1]\nsunny"},
        ]
    },
    RESPONSES: {
        "input": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": CALLED},
            {"role": "user", "content": "[Tool result call_1]\nsunny"},
        ]
    },
    MESSAGES: {
        "messages": [
            {"role": "user", "content": "Hello"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": '[Tool call toolu_1: weather({"city":"Köln"})]'}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "[Tool result toolu_1]"},
                    REQUESTS["messages with images"][1]["messages"][0]["content"][0],
                ],
            },
        ],
        "max_tokens": 9,
    },
}


@both
@every_dialect
async def test_a_model_without_tools_gets_text_and_the_client_is_told(
    start_relay: StartRelay, start_upstream: StartUpstream, dialect: Dialect, stream: bool
) -> None:
    upstream = await start_upstream(answering(dialect))
    up = provider(upstream.url, kind="anthropic" if dialect is MESSAGES else "openai")
    relay = await start_relay({"up": up}, model_routing={"aliases": ROUTING["aliases"]}, tool_calling=TOOLLESS)
    assert await ask(relay, dialect, stream, **REQUESTS[f"{dialect} with tools"][1]) == "tools"
    assert received(upstream) == TOLD[dialect]


@both
async def test_the_next_target_gets_the_tools_that_the_first_could_not_take(
    start_relay: StartRelay, start_upstream: StartUpstream, stream: bool
) -> None:
    first = await start_upstream(answers(503, b'{"error": {"message": "busy"}}'))
    second = await start_upstream(answering(CHAT))
    relay = await start_relay(
        {"one": provider(first.url), "two": provider(second.url)},
        model_routing={"aliases": {MODEL: ["served-as@one", "other@two"]}},
        tool_calling=TOOLLESS,
    )
    request = REQUESTS["chat with tools"][1]
    assert await ask(relay, CHAT, stream, **request) is None
    assert received(first) == TOLD[CHAT]
    assert received(second) == request
