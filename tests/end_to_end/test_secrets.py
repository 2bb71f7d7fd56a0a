"""Canaries: no credential or cookie of a client reaches an upstream; none of an upstream reaches a client or a log."""

from __future__ import annotations

import logging

import aiohttp
import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received, Script, ScriptedUpstream, answers, in_turn, streams

CLIENT_CANARIES = [ACCESS_KEY, "cookie-canary", "forwarded-canary", "proxy-canary", "second-credential-canary"]
CLIENT_HEADERS = {
    "X-Access-Key": ACCESS_KEY,
    "Authorization": "Bearer second-credential-canary",
    "x-api-key": "second-credential-canary",
    "api-key": "second-credential-canary",
    "Cookie": "session=cookie-canary",
    "X-Forwarded-For": "forwarded-canary",
    "X-Forwarded-Host": "forwarded-canary",
    "Forwarded": "for=forwarded-canary",
    "Proxy-Authorization": "Basic proxy-canary",
    "X-Hop": "forwarded-canary",
    "Connection": "keep-alive, x-hop",
}
UPSTREAM_HEADERS = [
    ("Set-Cookie", "upstream-cookie-canary=1"),
    ("Server", "upstream-server-canary"),
    ("Via", "1.1 upstream-server-canary"),
    ("anthropic-organization-id", "upstream-organization-canary"),
    ("X-Internal", "upstream-server-canary"),
]
BODY = b'{"model":"m","stream":%s,"messages":[],"input":"x","prompt":"x","api_key":"body-canary","base_url":"http://x"}'
GOOD_STREAM = b'data: {"choices":[{"delta":{}}]}\n\ndata: [DONE]\n\n'


def error_that_tells_too_much(upstream: ScriptedUpstream, status: int) -> Script:
    message = f"key {UPSTREAM_KEY}-1 at {upstream.url}/v1 is bad"
    body = b'{"error":{"message":"%s","type":"%s","code":"%s"}}' % ((message.encode(),) * 3)
    return answers(status, body, [("Content-Type", "application/json"), *UPSTREAM_HEADERS])


def page_that_tells_too_much(upstream: ScriptedUpstream, status: int) -> Script:
    body = f"<html>{upstream.url} {UPSTREAM_KEY}-1</html>".encode()
    return answers(status, body, [("Content-Type", "text/html"), *UPSTREAM_HEADERS])


async def breaks_in_the_middle(request: Received, out: Out) -> None:
    headers = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"), *UPSTREAM_HEADERS]
    await out.head(200, headers)
    await out.chunk(GOOD_STREAM[:40])
    out.abort()


def tells_too_much_in_the_middle(upstream: ScriptedUpstream) -> list[Script]:
    """Every shape in which a provider reports an error after a good beginning, or beside an answer."""
    said = f"key {UPSTREAM_KEY}-1 at {upstream.url}/v1 is bad".encode()
    beginnings = {
        b'data: {"choices":[]}\n\n',
        b'event: response.created\ndata: {"type":"response.created","response":{}}\n\n',
        b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n',
    }
    errors = [
        b'data: {"error":{"message":"%s"}}\n\n',
        b'data: {"error":true,"message":"%s"}\n\n',
        b'data: {"object":"error","message":"%s"}\n\n',
        b'data: {"error":\ndata: {"message":"%s"}}\n\n',
        b'event: error\ndata: {"detail":"%s"}\n\n',
        b'event:  error\ndata: {"error":{"message":"%s"}}\n\n',
        b'data: {"sequence_number":1,"type":"error","message":"%s"}\n\n',
        b'data: {"id":"x","type":"error","error":{"message":"%s"}}\n\n',
        b'event: response.failed\ndata: {"type":"response.failed","response":{"error":{"message":"%s"}}}\n\n',
    ]
    whole = [b'{"output":[],"choices":[],"content":[],"status":"failed","error":{"message":"%s"}}']
    return [
        *(streams([start + error % said]) for start in sorted(beginnings) for error in errors),
        *(answers(200, body % said) for body in whole),
    ]


async def resets(request: Received, out: Out) -> None:
    out.abort()


def scripts(upstream: ScriptedUpstream) -> list[Script]:
    good = answers(200, b'{"choices":[]}', [("Content-Type", "application/json"), *UPSTREAM_HEADERS])
    statuses = [400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 529]
    return [
        good,
        streams([GOOD_STREAM], [("Content-Type", "text/event-stream"), *UPSTREAM_HEADERS]),
        breaks_in_the_middle,
        resets,
        answers(302, b"", [("Location", f"{upstream.url}/redirected"), *UPSTREAM_HEADERS]),
        *(error_that_tells_too_much(upstream, status) for status in statuses),
        *(page_that_tells_too_much(upstream, status) for status in statuses),
        error_that_tells_too_much(upstream, 200),
        page_that_tells_too_much(upstream, 200),
        *tells_too_much_in_the_middle(upstream),
    ]  # fmt: skip


async def everything_a_client_sees(relay: RunningRelay, path: str, stream: bytes) -> str:
    async with aiohttp.request("POST", f"{relay.url}{path}", data=BODY % stream, headers=CLIENT_HEADERS) as answer:
        return f"{answer.status} {answer.headers.items()!r} {await answer.text()}"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"])
@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_nobody_sees_what_is_not_theirs(
    start_relay: StartRelay, start_upstream: StartUpstream, caplog: pytest.LogCaptureFixture, path: str, stream: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream = await start_upstream(resets)
    kind = "anthropic" if path == "/v1/messages" else "openai"
    relay = await start_relay({"up": provider(upstream.url, kind=kind, default=True, forward_headers=["*"])})
    seen = []
    for script in scripts(upstream):
        upstream.script = script
        seen.append(await everything_a_client_sees(relay, path, stream))
    sent = repr([(request.headers, request.target) for request in upstream.received])
    assert [canary for canary in CLIENT_CANARIES if canary in sent] == []
    theirs = [UPSTREAM_KEY, upstream.url, f"127.0.0.1:{upstream.port}", "upstream-"]
    logged = caplog.text
    assert [canary for canary in theirs if canary in "\n".join(seen)] == []
    assert [canary for canary in [*theirs, *CLIENT_CANARIES] if canary in logged] == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, status: int
) -> None:
    elsewhere = await start_upstream(answers(200, b'{"choices":[]}'))
    upstream = await start_upstream(answers(status, b"", [("Location", f"{elsewhere.url}/v1/chat/completions")]))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m"}') as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (502, "upstream_redirect")
    assert elsewhere.received == []


async def test_an_upstreams_cookie_does_not_come_back_to_it(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    good = answers(200, b'{"choices":[]}', [("Content-Type", "application/json"), ("Set-Cookie", "a=b; Path=/")])
    upstream = await start_upstream(in_turn(good))
    named = upstream.url.replace("127.0.0.1", "localhost")  # An ordinary jar keeps no cookies of a bare address.
    relay = await start_relay({"up": provider(named, default=True)})
    for _ in range(2):
        async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m"}') as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
    assert [request.header("Cookie") for request in upstream.received] == [None, None]


async def test_a_body_chooses_neither_host_nor_credential(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    elsewhere = await start_upstream(answers(200, b'{"choices":[]}'))
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    body = '{"model":"m","api_base":"%s","base_url":"%s","api_key":"x","extra_headers":{"Authorization":"y"}}'
    url = f"{elsewhere.url}/v1"
    async with http.post(f"{relay.openai_url}/chat/completions", data=body % (url, url)) as answer:
        assert answer.status == 200
    assert (len(elsewhere.received), len(upstream.received)) == (0, 1)
    assert upstream.received[0].header("Authorization") == f"Bearer {UPSTREAM_KEY}-1"
