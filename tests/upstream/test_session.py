"""The two ClientSessions: what they keep, what they add, and that nothing of them is left over."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from relay.upstream.session.sessions import Sessions, open_sessions
from tests.conftest import StartUpstream
from tests.support.scripted import Out, Received, answers, streams

each = pytest.mark.parametrize("name", ["pooled", "fresh"])


def session_of(sessions: Sessions, name: str) -> aiohttp.ClientSession:
    return {"pooled": sessions.pooled, "fresh": sessions.fresh}[name]


def connector_of(session: aiohttp.ClientSession) -> aiohttp.BaseConnector:
    assert session.connector is not None
    return session.connector


async def get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        return await answer.read()


async def test_both_are_closed_afterwards() -> None:
    async with open_sessions() as sessions:
        assert (sessions.pooled.closed, sessions.fresh.closed) == (False, False)
    assert (sessions.pooled.closed, sessions.fresh.closed) == (True, True)


async def test_both_are_closed_after_an_error_too() -> None:
    opening = open_sessions()
    sessions = await opening.__aenter__()
    error = ZeroDivisionError()
    assert not await opening.__aexit__(type(error), error, None)
    assert (sessions.pooled.closed, sessions.fresh.closed) == (True, True)


async def test_a_kept_connection_is_closed_with_its_session(start_upstream: StartUpstream) -> None:
    left = asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Length", "0")])
        await out.peer_left()
        left.set()

    upstream = await start_upstream(script)
    async with open_sessions() as sessions:
        await get(sessions.pooled, upstream.url)
    await asyncio.wait_for(left.wait(), 10)


@pytest.mark.parametrize(("name", "connections"), [("pooled", 1), ("fresh", 3)])
async def test_only_the_fresh_one_opens_a_connection_for_each_call(
    start_upstream: StartUpstream, name: str, connections: int
) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    async with open_sessions() as sessions:
        for _ in range(3):
            await get(session_of(sessions, name), upstream.url)
    assert (len(upstream.received), upstream.connections) == (3, connections)


async def test_the_fresh_one_does_not_use_what_the_pooled_one_keeps(start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, b"{}"))
    async with open_sessions() as sessions:
        await get(sessions.pooled, upstream.url)
        await get(sessions.fresh, upstream.url)
        await get(sessions.pooled, upstream.url)
    assert upstream.connections == 2


@each
async def test_cookies_are_not_kept(start_upstream: StartUpstream, name: str) -> None:
    upstream = await start_upstream(answers(200, b"{}", [("Set-Cookie", "user=one; Path=/")]))
    url = upstream.url.replace("127.0.0.1", "localhost")  # From an address aiohttp's own jar takes no cookies either.
    async with open_sessions() as sessions:
        for _ in range(2):
            await get(session_of(sessions, name), url)
        assert list(session_of(sessions, name).cookie_jar) == []
    assert [request.header("Cookie") for request in upstream.received] == [None, None]


@each
async def test_no_limit_makes_a_call_wait_unseen(name: str) -> None:
    async with open_sessions() as sessions:
        connector = connector_of(session_of(sessions, name))
        assert (connector.limit, connector.limit_per_host) == (0, 0)


@each
async def test_no_deadline_is_hidden_in_a_default(name: str) -> None:
    async with open_sessions() as sessions:
        timeout = session_of(sessions, name).timeout
    assert (timeout.total, timeout.connect, timeout.sock_connect, timeout.sock_read) == (None, None, None, None)


@each
async def test_nothing_is_decompressed_behind_our_back(start_upstream: StartUpstream, name: str) -> None:
    packed = gzip.compress(b"hello", mtime=0)
    upstream = await start_upstream(streams([packed], [("Content-Encoding", "gzip")]))
    async with open_sessions() as sessions:
        assert await get(session_of(sessions, name), upstream.url) == packed


@each
async def test_a_proxy_of_the_environment_is_not_used(
    start_upstream: StartUpstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    upstream = await start_upstream(answers(200, b"direct"))
    async with open_sessions() as sessions:
        assert await get(session_of(sessions, name), upstream.url) == b"direct"
