"""An upstream that dies anywhere in its answer: the official SDKs raise every time; none ends in silence."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import orjson
import pytest

from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.support.conversation import EVENTS
from tests.support.running import ACCESS_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received, Script

USER: Any = [{"role": "user", "content": "Hello"}]


async def ask_chat(client: openai.AsyncOpenAI) -> None:
    async for _ in await client.chat.completions.create(model="m", messages=USER, stream=True):
        pass


async def ask_responses(client: openai.AsyncOpenAI) -> None:
    async for _ in await client.responses.create(model="m", input="Hello", stream=True):
        pass


async def ask_messages(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(model="m", max_tokens=9, messages=USER) as stream:
        async for _ in stream:
            pass


def openai_client(relay: RunningRelay) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0)


def anthropic_client(relay: RunningRelay) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0)


DIALECTS: dict[Dialect, tuple[str, Callable[[RunningRelay], Any], Callable[[Any], Awaitable[None]]]] = {
    Dialect.CHAT: ("openai", openai_client, ask_chat),
    Dialect.RESPONSES: ("openai", openai_client, ask_responses),
    Dialect.MESSAGES: ("anthropic", anthropic_client, ask_messages),
}


def whole(stream: bytes) -> Script:
    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        await out.chunk(stream)
        await out.chunk(b"")

    return script


def dies(stream: bytes, at: int, how: str) -> Script:
    """Sends `at` bytes, then resets the connection, closes it, or ends the body as if that had been all."""

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        if at:
            await out.chunk(stream[:at])
        if how == "ends cleanly":
            await out.chunk(b"")
        elif how == "closes":
            await out.close()
        else:
            out.abort()

    return script


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_same_stream_without_a_death_is_whole(
    start_relay: StartRelay, start_upstream: StartUpstream, dialect: Dialect
) -> None:
    kind, client_of, ask = DIALECTS[dialect]
    events = EVENTS[dialect]
    upstream = await start_upstream(whole(b"".join(events)))
    relay = await start_relay({"up": provider(upstream.url, kind=kind, default=True)})
    async with client_of(relay) as client:
        await ask(client)
    assert len(upstream.received) == 1


@pytest.mark.proof
@pytest.mark.parametrize("how", ["resets", "closes", "ends cleanly"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_sdk_raises_wherever_the_upstream_dies(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    proof_count: Callable[[int], int],
    dialect: Dialect,
    how: str,
) -> None:
    kind, client_of, ask = DIALECTS[dialect]
    events = EVENTS[dialect]
    stream = b"".join(events)
    # A clean end behind the finish_reason of a chat lacks its end mark only, which the relay adds: nothing is lost.
    last = len(stream) - len(events[-1]) - (len(events[-2]) if (dialect, how) == (Dialect.CHAT, "ends cleanly") else 0)
    last += 0 if dialect is Dialect.CHAT and how == "ends cleanly" else len(events[-1]) - 3
    upstream = await start_upstream(whole(stream))
    relay = await start_relay({"up": provider(upstream.url, kind=kind, default=True)})
    luck = random.Random(f"{dialect} {how}")
    count = proof_count(1_000)
    raised = 0
    async with client_of(relay) as client:
        for _ in range(count):
            at = luck.randrange(last)
            upstream.script = dies(stream, at, how)
            try:
                await ask(client)
            except (openai.APIError, anthropic.APIError):
                raised += 1
            else:
                pytest.fail(f"silence after {at} of {len(stream)} bytes")
    assert raised == count


@pytest.mark.proof
@pytest.mark.parametrize("how", ["resets", "closes"])
async def test_the_sdk_raises_wherever_a_plain_answer_dies(
    start_relay: StartRelay, start_upstream: StartUpstream, proof_count: Callable[[int], int], how: str
) -> None:
    body = orjson.dumps({"id": "c", "choices": [{"message": {"content": "x" * 2_000}}]})
    luck = random.Random(how)

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        await out.raw(body[: luck.randrange(len(body))])
        if how == "closes":
            await out.close()
        else:
            out.abort()

    upstream = await start_upstream(script)
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with openai_client(relay) as client:
        for _ in range(proof_count(1_000)):
            with pytest.raises(openai.InternalServerError):
                await client.chat.completions.create(model="m", messages=USER)
