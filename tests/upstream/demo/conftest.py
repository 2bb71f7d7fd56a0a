"""A server on this machine that pipes the demo's transport, and the official SDKs pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pytest_aiohttp.plugin import AiohttpServer

from tests.upstream.demo.calls import PausingSink, open_call


async def pipe(request: web.Request) -> web.StreamResponse:
    """Hand the answer on a piece at a time, pausing after each: the slowest way that the seam allows."""
    call = await open_call(request.path, await request.read())
    response = web.StreamResponse(status=call.head.status, headers=call.head.headers)
    await response.prepare(request)
    ended = False
    while not ended:
        sink = PausingSink()
        ended = await call.pump(sink)
        for piece in sink.pieces:
            await response.write(piece)
    call.close()
    return response


@pytest.fixture
async def demo_url(aiohttp_server: AiohttpServer) -> str:
    app = web.Application()
    app.router.add_post("/{path:.*}", pipe)
    server = await aiohttp_server(app)
    return str(server.make_url("/"))


@pytest.fixture
async def openai_sdk(demo_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{demo_url}v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def anthropic_sdk(demo_url: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=demo_url, api_key="any", max_retries=0) as client:
        yield client
