"""An upstream that dies anywhere in its answer: the official SDKs raise every time; none ends in silence."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import orjson
import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received, Script

USER: Any = [{"role": "user", "content": "Hello"}]
WORDS = ["Der ", "Fuß, ", "ein ", "Maß ", "— ", "and a \u2028 separator, ", "then ", "🙂 ", "and more words ", "to cut"]


def event(data: object, name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"


def chat_events() -> list[bytes]:
    def chunk(delta: object, finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})

    deltas = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in WORDS)]
    return [*deltas, chunk({}, "stop"), b"data: [DONE]\n\n"]


def messages_events() -> list[bytes]:
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    start = {**message, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    deltas = [("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in WORDS]
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": start}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("ping", {}),
        *deltas,
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 9}}),
        ("message_stop", {}),
    ]
    return [event({"type": name, **data}, name) for name, data in events]


def responses_events() -> list[bytes]:
    response = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}
    part = {"item_id": "i", "output_index": 0, "content_index": 0}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response}),
        *(("response.output_text.delta", {**part, "delta": word, "logprobs": []}) for word in WORDS),
        ("response.completed", {"response": {**response, "status": "completed"}}),
    ]
    numbered = enumerate(kinds)
    return [event({"type": name, "sequence_number": number, **data}, name) for number, (name, data) in numbered]


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


DIALECTS: dict[str, tuple[list[bytes], str, Callable[[RunningRelay], Any], Callable[[Any], Awaitable[None]]]] = {
    "chat": (chat_events(), "openai", openai_client, ask_chat),
    "responses": (responses_events(), "openai", openai_client, ask_responses),
    "messages": (messages_events(), "anthropic", anthropic_client, ask_messages),
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
    start_relay: StartRelay, start_upstream: StartUpstream, dialect: str
) -> None:
    events, kind, client_of, ask = DIALECTS[dialect]
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
    dialect: str,
    how: str,
) -> None:
    events, kind, client_of, ask = DIALECTS[dialect]
    stream = b"".join(events)
    # A clean end behind the finish_reason of a chat lacks its end mark only, which the relay adds: nothing is lost.
    last = len(stream) - len(events[-1]) - (len(events[-2]) if (dialect, how) == ("chat", "ends cleanly") else 0)
    last += 0 if dialect == "chat" and how == "ends cleanly" else len(events[-1]) - 3
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
