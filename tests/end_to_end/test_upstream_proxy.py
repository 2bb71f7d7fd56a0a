"""`providers.*.proxy`: calls go through an HTTP proxy, and its password nowhere else."""

from __future__ import annotations

import logging

import aiohttp
import pytest

from relay.core.provider_test import examine
from relay.state import World
from relay.sweep import Sweep, sweeping
from relay.upstream.providers import build
from relay.upstream.session import SessionTransport, open_sessions
from tests.config.parsing import configured
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import provider
from tests.support.scripted import answers

BODY = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
SECRET = "proxy-canary-0123456789"


async def test_a_call_goes_through_the_proxy(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    """For plain HTTP a proxy is asked for the whole URL (RFC 9112, 3.2.2)."""
    proxy = await start_upstream(answers(200, BODY))
    through = proxy.url.replace("http://", f"http://user:{SECRET}@")
    relay = await start_relay({"up": provider("http://llm.invalid", default=True, proxy=through)})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m"}') as answer:
        assert (answer.status, await answer.read()) == (200, BODY)
    (received,) = proxy.received
    assert received.target == "http://llm.invalid/v1/chat/completions"
    authorization = received.header("Proxy-Authorization")
    assert authorization is not None
    assert authorization.startswith("Basic ")


async def test_a_proxy_that_is_not_there_is_an_unreachable_provider_and_its_password_no_word_of_it(
    start_relay: StartRelay, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    up = provider("http://llm.invalid", default=True, proxy=f"http://user:{SECRET}@127.0.0.1:9")
    relay = await start_relay({"up": up})
    async with http.post(f"{relay.openai_url}/chat/completions", data=b'{"model":"m"}') as answer:
        said = await answer.read()
    assert (answer.status, b"upstream_unreachable" in said) == (502, True)
    assert SECRET not in said.decode() + caplog.text


async def test_the_test_of_a_provider_goes_the_same_way(start_upstream: StartUpstream) -> None:
    """With a proxy that is dead nothing reaches the provider."""
    upstream = await start_upstream(answers(200, BODY))
    text = f"providers: {{up: {{base_url: '{upstream.url}/v1', proxy: 'http://127.0.0.1:9', test_model: m}}}}"
    (up, *_) = build(configured(text)).values()
    sweep = Sweep()
    async with sweeping(sweep), open_sessions() as sessions:
        report = await examine(up, SessionTransport(sessions, sweep), World().clocks())
    assert report.has_failed
    assert upstream.received == []
