"""Comments in the silence of a stream, over a whole relay, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anthropic
import openai
import orjson
import pytest

from relay.model import Outcome
from relay.state import World
from relay.web.keepalive import COMMENT
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received

FIRST_S, LATER_S = 5.0, 2.0
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
USER: Any = [{"role": "user", "content": "Hello"}]
CHAT = "/v1/chat/completions"
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"model": "m", "messages": USER},
    "/v1/responses": {"model": "m", "input": "Hello"},
    "/v1/messages": {"model": "m", "max_tokens": 9, "messages": USER},
}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


Step = Callable[[Out], Awaitable[bool]]
"""One thing that a provider does; False: its answer is over."""


class Upstream:
    """Does one thing after another as the test says."""

    def __init__(self) -> None:
        self.steps: asyncio.Queue[Step] = asyncio.Queue()
        self.was_asked = asyncio.Event()

    async def script(self, request: Received, out: Out) -> None:
        self.was_asked.set()
        while await (await self.steps.get())(out):
            pass

    def head(self) -> None:
        """Begin a stream."""

        async def step(out: Out) -> bool:
            await out.head(200, STREAM)
            return True

        self.steps.put_nowait(step)

    def chunk(self, data: bytes) -> None:
        """A part of it; empty: its end."""

        async def step(out: Out) -> bool:
            await out.chunk(data)
            return bool(data)

        self.steps.put_nowait(step)

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        """A whole answer."""

        async def step(out: Out) -> bool:
            await out.head(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
            await out.raw(body)
            return False

        self.steps.put_nowait(step)

    def die(self) -> None:
        """Reset the connection."""

        async def step(out: Out) -> bool:
            out.abort()
            return False

        self.steps.put_nowait(step)


class Client:
    """One connection to the relay, and the answer on it as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def ask(self, path: str = CHAT, *, is_stream: bool = True) -> None:
        body = orjson.dumps({**BODIES[path], "stream": is_stream})
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"x-api-key: {ACCESS_KEY}", f"Content-Length: {len(body)}"]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def head(self) -> str:
        """The next head, in lower case."""
        async with asyncio.timeout(10):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()

    async def chunk(self) -> bytes:
        """The next chunk of the body; empty at its end."""
        async with asyncio.timeout(10):
            length = int(await self._reader.readuntil(b"\r\n"), 16)
            return (await self._reader.readexactly(length + 2))[:-2]

    async def rest(self) -> bytes:
        """The chunks up to the end of the body."""
        parts = []
        while part := await self.chunk():
            parts.append(part)
        return b"".join(parts)

    async def exactly(self, size_bytes: int) -> bytes:
        async with asyncio.timeout(10):
            return await self._reader.readexactly(size_bytes)

    def close(self) -> None:
        self._writer.transport.abort()


class Stage:
    """A relay on the test's clock, its provider and its clients."""

    def __init__(self, relay: RunningRelay, upstream: Upstream, clock: Clock, stack: AsyncExitStack) -> None:
        self.relay = relay
        self.upstream = upstream
        self._clock = clock
        self._stack = stack

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.relay.port, limit=2**20))
        self._stack.callback(client.close)
        return client

    async def asked(self, path: str = CHAT, *, is_stream: bool = True) -> Client:
        """A client whose call has reached the provider."""
        client = await self.client()
        client.ask(path, is_stream=is_stream)
        await self.reached()
        return client

    async def reached(self) -> None:
        """Once a call has reached the provider."""
        async with asyncio.timeout(10):
            await self.upstream.was_asked.wait()
        self.upstream.was_asked.clear()

    async def passes(self, duration_s: float) -> None:
        """Let time pass, and what it brings happen."""
        self._clock.now_s += duration_s
        self.relay.state.sweep.tick()
        for _ in range(20):
            await asyncio.sleep(0)


StartStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def stage(start_relay: StartRelay, start_upstream: StartUpstream) -> AsyncIterator[StartStage]:
    """`await stage()`, or with another silence or another kind of provider."""
    async with AsyncExitStack() as stack:

        async def start(*, first_s: float = FIRST_S, later_s: float = LATER_S, kind: str = "openai") -> Stage:
            upstream, clock = Upstream(), Clock()
            scripted = await start_upstream(upstream.script)
            relay = await start_relay(
                {"up": provider(scripted.url, kind=kind, default=True)},
                world=World(clock_s=clock),
                server={"sse_keepalive_first": first_s, "sse_keepalive": later_s},
            )
            relay.state.sweep.clock_s = clock
            return Stage(relay, upstream, clock, stack)

        yield start


def kind_for(path: str) -> str:
    return "anthropic" if path == "/v1/messages" else "openai"


@pytest.mark.parametrize("path", BODIES)
async def test_a_provider_that_is_silent_is_answered_for_with_a_comment(stage: StartStage, path: str) -> None:
    play = await stage(kind=kind_for(path))
    client = await play.asked(path)
    await play.passes(FIRST_S)
    head = await client.head()
    assert head.startswith("http/1.1 200 ")
    assert "\r\ncontent-type: text/event-stream\r\n" in head
    assert "\r\nx-request-id: " in head
    assert await client.chunk() == COMMENT


async def test_the_next_comments_come_after_the_shorter_silence(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    await play.passes(FIRST_S)
    await client.head()
    for _ in range(3):
        assert await client.chunk() == COMMENT
        await play.passes(LATER_S)
    assert await client.chunk() == COMMENT


async def test_the_answer_behind_comments_is_whole(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    await play.passes(FIRST_S)
    await client.head()
    play.upstream.head()
    play.upstream.chunk(EVENT + LAST + DONE)
    play.upstream.chunk(b"")
    assert await client.rest() == COMMENT + EVENT + LAST + DONE
    (record,) = await play.relay.records()
    assert (record.outcome, record.status_code) == (Outcome.COMPLETE, 200)


async def test_a_comment_is_no_first_byte_of_an_answer(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    await play.passes(FIRST_S)
    await client.head()
    assert await client.chunk() == COMMENT
    await play.passes(1)
    play.upstream.head()
    play.upstream.chunk(EVENT + LAST + DONE)
    play.upstream.chunk(b"")
    await client.rest()
    (record,) = await play.relay.records()
    assert record.first_token_ms == (FIRST_S + 1) * 1000


ERRORS: dict[str, Callable[[bytes], object]] = {
    CHAT: lambda data: orjson.loads(data.removeprefix(b"data: "))["error"]["message"],
    "/v1/responses": lambda data: orjson.loads(data.partition(b"event: error\ndata: ")[2])["error"]["message"],
    "/v1/messages": lambda data: orjson.loads(data.partition(b"event: error\ndata: ")[2])["error"]["message"],
}
FAILURES: dict[str, Callable[[Upstream], None]] = {
    "refuses": lambda upstream: upstream.answer(400, b'{"error": {"message": "no such thing"}}'),
    "has failed": lambda upstream: upstream.answer(503, b"<html>"),
    "dies": lambda upstream: upstream.die(),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("path", BODIES)
async def test_a_failure_behind_a_comment_is_an_error_event_and_the_end(
    stage: StartStage, path: str, failure: str
) -> None:
    play = await stage(kind=kind_for(path))
    client = await play.asked(path)
    await play.passes(FIRST_S)
    await client.head()
    assert await client.chunk() == COMMENT
    for _ in range(3):
        FAILURES[failure](play.upstream)
    told = await client.rest()
    assert told.endswith(b"\n\n")
    assert ERRORS[path](told)
    (record,) = await play.relay.records()
    assert (record.outcome, record.status_code) == (Outcome.UPSTREAM_BROKEN, 200)


@pytest.mark.parametrize("path", BODIES)
async def test_a_failure_before_the_first_comment_is_an_error_in_json(stage: StartStage, path: str) -> None:
    play = await stage(kind=kind_for(path))
    client = await play.asked(path)
    await play.passes(FIRST_S - 0.1)
    play.upstream.answer(400, b'{"error": {"message": "no such thing"}}')
    head = await client.head()
    assert head.startswith("http/1.1 400 ")
    assert "\r\ncontent-type: application/json" in head


async def ask_chat(relay: RunningRelay) -> None:
    async with openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0) as client:
        async for _ in await client.chat.completions.create(model="m", messages=USER, stream=True):
            pass


async def ask_responses(relay: RunningRelay) -> None:
    async with openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0) as client:
        async for _ in await client.responses.create(model="m", input="Hello", stream=True):
            pass


async def ask_messages(relay: RunningRelay) -> None:
    client = anthropic.AsyncAnthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0)
    async with client, client.messages.stream(model="m", max_tokens=9, messages=USER) as stream:
        async for _ in stream:
            pass


SDKS: dict[str, tuple[str, Callable[[RunningRelay], Awaitable[None]], type[Exception]]] = {
    "chat": ("openai", ask_chat, openai.APIError),
    "responses": ("openai", ask_responses, openai.APIError),
    "messages": ("anthropic", ask_messages, anthropic.APIError),
}


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_official_sdks_raise_on_a_failure_behind_a_comment(stage: StartStage, sdk: str) -> None:
    kind, ask, error = SDKS[sdk]
    play = await stage(kind=kind)
    asking = asyncio.ensure_future(ask(play.relay))
    await play.reached()
    await play.passes(FIRST_S)
    play.upstream.answer(400, b'{"error": {"message": "no such thing"}}')
    with pytest.raises(error):
        await asyncio.wait_for(asking, 10)


async def test_the_openai_sdk_reads_over_comments(stage: StartStage) -> None:
    play = await stage()
    asking = asyncio.ensure_future(ask_chat(play.relay))
    await play.reached()
    await play.passes(FIRST_S)
    play.upstream.head()
    play.upstream.chunk(EVENT + LAST + DONE)
    play.upstream.chunk(b"")
    await asyncio.wait_for(asking, 10)


async def test_a_comment_in_the_middle_stands_between_events(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    play.upstream.head()
    play.upstream.chunk(EVENT + EVENT[:20])
    assert "\r\ncontent-type: text/event-stream\r\n" in await client.head()
    assert await client.chunk() == EVENT
    await play.passes(LATER_S)
    assert await client.chunk() == COMMENT
    play.upstream.chunk(EVENT[20:])
    assert await client.chunk() == EVENT
    play.upstream.chunk(LAST + DONE)
    play.upstream.chunk(b"")
    assert await client.rest() == LAST + DONE


async def test_a_stream_that_goes_on_gets_no_comments(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    play.upstream.head()
    play.upstream.chunk(EVENT)
    await client.head()
    assert await client.chunk() == EVENT
    for _ in range(5):
        await play.passes(LATER_S * 0.9)
        play.upstream.chunk(EVENT)
        assert await client.chunk() == EVENT
    play.upstream.chunk(LAST + DONE)
    play.upstream.chunk(b"")
    assert await client.rest() == LAST + DONE


async def test_without_a_silence_that_is_too_long_there_is_none_before_the_first_byte(stage: StartStage) -> None:
    play = await stage(first_s=0)
    client = await play.asked()
    await play.passes(20 * FIRST_S)
    play.upstream.answer(400, b'{"error": {"message": "no such thing"}}')
    assert (await client.head()).startswith("http/1.1 400 ")


async def test_without_a_silence_that_is_too_long_there_is_none_in_the_middle(stage: StartStage) -> None:
    play = await stage(later_s=0)
    client = await play.asked()
    play.upstream.head()
    play.upstream.chunk(EVENT)
    await client.head()
    assert await client.chunk() == EVENT
    await play.passes(20 * LATER_S)
    play.upstream.chunk(LAST + DONE)
    play.upstream.chunk(b"")
    assert await client.rest() == LAST + DONE


async def test_a_plain_answer_is_never_commented(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked(is_stream=False)
    await play.passes(4 * FIRST_S)
    play.upstream.answer(200, b'{"choices": []}')
    head = await client.head()
    assert head.startswith("http/1.1 200 ")
    assert "\r\ncontent-length: 15\r\n" in head
    assert await client.exactly(15) == b'{"choices": []}'


async def test_behind_the_end_of_a_stream_there_is_no_comment(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    await play.passes(FIRST_S)
    await client.head()
    play.upstream.head()
    play.upstream.chunk(EVENT + LAST + DONE)
    play.upstream.chunk(b"")
    await client.rest()
    await play.relay.records()
    await play.passes(2 * FIRST_S)
    client.ask()
    await play.reached()
    play.upstream.answer(400, b'{"error": {"message": "no such thing"}}')
    assert (await client.head()).startswith("http/1.1 400 ")


async def test_a_call_that_is_over_is_watched_no_longer(stage: StartStage) -> None:
    play, watched = await stage(), []
    for _ in range(2):
        client = await play.asked()
        await play.passes(FIRST_S)
        await client.head()
        play.upstream.answer(400, b"{}")
        await client.rest()
        await play.relay.records()
        watched.append(len(play.relay.state.sweep))
    assert watched == [1, 1]  # The connection to the provider, which is kept for a while.


async def test_a_client_that_leaves_between_comments_is_recorded_as_gone(stage: StartStage) -> None:
    play = await stage()
    client = await play.asked()
    await play.passes(FIRST_S)
    await client.head()
    await client.chunk()
    client.close()
    (record,) = await play.relay.records()
    assert (record.outcome, record.status_code) == (Outcome.CLIENT_GONE, 499)
