"""The repository's own transcripts through a whole relay, cut at random places: equal to the byte, in every dialect."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import aiohttp
import orjson
import pytest

from relay.core.endpoints import ENDPOINTS
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import provider
from tests.support.scripted import cut, streams

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "golden").glob("*/*.sse"))
STREAMED = {endpoint.dialect.value: endpoint for endpoint in reversed(ENDPOINTS) if endpoint.may_stream}


def request_for(path: Path) -> bytes:
    """The request that asks for what the transcript holds."""
    choices = 2 if "two-choices" in path.name else 1
    body = {"model": "m", "stream": True, "n": choices, "stream_options": {"include_usage": True}}
    return orjson.dumps(body)


def expected(path: Path) -> bytes:
    """The transcript; an end mark is added where only that is missing."""
    recorded = path.read_bytes()
    return recorded + b"data: [DONE]\n\n" if path.name == "unended-no-done.sse" else recorded


@pytest.mark.proof
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_transcript_comes_through(
    start_relay: StartRelay,
    start_upstream: StartUpstream,
    http: aiohttp.ClientSession,
    path: Path,
    proof_count: Callable[[int], int],
) -> None:
    recorded = path.read_bytes()
    luck = random.Random(path.name)
    upstream = await start_upstream(streams([]))
    kind = "anthropic" if path.parent.name == "messages" else "openai"
    relay = await start_relay({"up": provider(upstream.url, kind=kind, default=True)})
    url = f"{relay.url}{STREAMED[path.parent.name].path}"
    for _ in range(proof_count(100)):
        upstream.script = streams(cut(recorded, luck.choices(range(len(recorded) + 1), k=luck.choice([0, 1, 5, 100]))))
        async with http.post(url, data=request_for(path)) as answer:
            assert (answer.status, await answer.read()) == (200, expected(path))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_transcript_comes_through_one_byte_a_write(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, path: Path
) -> None:
    recorded = path.read_bytes()
    upstream = await start_upstream(streams(cut(recorded, range(len(recorded)))))
    kind = "anthropic" if path.parent.name == "messages" else "openai"
    relay = await start_relay({"up": provider(upstream.url, kind=kind, default=True)})
    url = f"{relay.url}{STREAMED[path.parent.name].path}"
    async with http.post(url, data=request_for(path)) as answer:
        assert (answer.status, await answer.read()) == (200, expected(path))


async def test_an_event_of_ten_megabytes_comes_through(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    image = b'data: {"choices":[{"delta":{"content":"' + b"iVBORw0KGgo" * 950_000 + b'"}}]}\n\n'
    whole = b'data: {"choices":[]}\n\n' + image + b"data: [DONE]\n\n"
    upstream = await start_upstream(streams(cut(whole, range(0, len(whole), 30_011))))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m","stream":true}') as answer:
        assert await answer.read() == whole


async def test_an_event_over_the_limit_ends_with_an_error_event(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    whole = b'data: {"choices":[]}\n\ndata: "' + b"x" * (17 * 1024 * 1024)
    upstream = await start_upstream(streams(cut(whole, range(0, len(whole), 65_536))))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m","stream":true}') as answer:
        body = await answer.read()
    assert (len(body) < 1_000, b"event_too_large" in body) == (True, True)


async def test_a_plain_answer_over_the_held_size_comes_through(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    whole = b'{"data":"' + b"x" * (10 * 1024 * 1024) + b'"}'
    upstream = await start_upstream(
        streams(cut(whole, range(0, len(whole), 65_536)), [("Content-Type", "application/json")])
    )
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/embeddings", data=b'{"model":"m"}') as answer:
        assert (answer.status, await answer.read() == whole) == (200, True)
