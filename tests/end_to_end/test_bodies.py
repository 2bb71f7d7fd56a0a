"""Whatever a body holds, the answer is JSON, and never a 5xx or a traceback."""

from __future__ import annotations

import gzip
import io
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.endpoints import ENDPOINTS
from tests.conftest import StartRelay, StartUpstream
from tests.support.running import provider
from tests.support.scripted import answers

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from([
    "model", "stream", "messages", "input", "prompt", "n", "tools", "tool_choice", "max_tokens", "stream_options",
    "response_format", "system", "stop", "temperature", "dimensions", "encoding_format", "instructions", "metadata",
])  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=300),
    JSON.map(orjson.dumps),
    st.dictionaries(FIELDS, JSON, max_size=6).map(orjson.dumps),
    st.dictionaries(FIELDS, JSON, max_size=6).map(
        lambda body: orjson.dumps({"model": "demo", "max_tokens": 9, **body})
    ),
    st.tuples(st.sampled_from(["both", "auto"]), st.dictionaries(FIELDS, JSON, max_size=6)).map(
        lambda named: orjson.dumps({**named[1], "model": named[0], "max_tokens": 9})
    ),
)
ROUTING = {
    "aliases": {"both": {"targets": ["demo@demo", "other@demo"], "strategy": "fastest"}},
    "complexity": {"enabled": True, "simple": "demo@demo", "complex": "both"},
    "model_params": [{"model_pattern": "other", "params": {"a.b": 1}, "system_prompt": "Be kind."}],
}
"""Each body that names one of these is looked at as well: for its conversation, for how hard it is, for its tools."""


@pytest.mark.proof
async def test_ten_thousand_generated_bodies_make_no_5xx(
    start_relay: StartRelay,
    http: aiohttp.ClientSession,
    proof_count: Callable[[int], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    relay = await start_relay(model_routing=ROUTING, tool_calling={"unsupported_models": ["demo"]})
    bodies: list[tuple[str, bytes]] = []
    paths = st.sampled_from([endpoint.path for endpoint in ENDPOINTS])

    @settings(max_examples=proof_count(10_000), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(paths, BODIES)
    def collect(path: str, body: bytes) -> None:
        bodies.append((path, body))

    collect()
    for path, body in bodies:
        async with http.post(f"{relay.url}{path}", data=body) as answer:
            raw = await answer.read()
            assert answer.status < 500, (path, body, raw)
            if not answer.headers["Content-Type"].startswith("text/event-stream"):
                orjson.loads(raw)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not valid JSON"),
    "a list": (b"[]", "JSON object"),
    "a string": (b'"x"', "JSON object"),
    "half": (b'{"model":', "not valid JSON"),
    "NaN": (b'{"model":"m","temperature":NaN}', "not valid JSON"),
    "a BOM": (b'\xef\xbb\xbf{"model":"m"}', "not valid JSON"),
    "bad UTF-8": (b'{"model":"\xff"}', "not valid JSON"),
    "a lone surrogate": (b'{"model":"\\ud800"}', "not valid JSON"),
    "too deep to read": (b'{"model":"m","x":' + b"[" * 1_100 + b"]" * 1_100 + b"}", "not valid JSON"),
    "too deep to write": (b'{"model":"m","x":' + b"[" * 300 + b"]" * 300 + b"}", "nested too deeply"),
    "no model": (b"{}", "'model' is required"),
    "a number as model": (b'{"model":1}', "'model' is required"),
    "an empty model": (b'{"model":" "}', "'model' is required"),
    "stream as text": (b'{"model":"m","stream":"yes"}', "'stream' must be true or false"),
    "stream_options as list": (b'{"model":"m","stream_options":[]}', "'stream_options' must be an object"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_body_is_a_400_that_says_what_is_wrong(
    start_relay: StartRelay, http: aiohttp.ClientSession, body: bytes, message: str
) -> None:
    relay = await start_relay()
    async with http.post(f"{relay.openai_url}/chat/completions", data=body) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["type"]) == (400, "invalid_request_error")
    assert message in error["message"]


async def post(http: aiohttp.ClientSession, url: str, **options: Any) -> tuple[int, Any]:
    async with http.post(url, **options) as answer:
        return answer.status, await answer.json()


async def test_a_body_over_the_limit_is_a_413(start_relay: StartRelay, http: aiohttp.ClientSession) -> None:
    relay = await start_relay(server={"max_body": "1KiB"})
    body = orjson.dumps({"model": "demo", "input": "x" * 2_000})
    status, document = await post(http, f"{relay.openai_url}/embeddings", data=body)
    assert (status, document["error"]["code"]) == (413, "request_too_large")
    status, document = await post(http, f"{relay.openai_url}/messages", data=body)
    assert (status, document["type"], document["error"]["type"]) == (413, "error", "request_too_large")


async def test_a_large_body_within_the_limit_passes(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession
) -> None:
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    relay = await start_relay({"up": provider(upstream.url, default=True)})
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 5_000_000}]})
    status, _ = await post(http, f"{relay.openai_url}/chat/completions", data=io.BytesIO(body))
    assert (status, upstream.received[0].body == body) == (200, True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "x"])
async def test_a_compressed_body_is_a_415(start_relay: StartRelay, http: aiohttp.ClientSession, encoding: str) -> None:
    relay = await start_relay()
    body = gzip.compress(b'{"model":"demo"}', mtime=0)
    headers = {"Content-Encoding": encoding}
    status, document = await post(http, f"{relay.openai_url}/embeddings", data=body, headers=headers)
    assert (status, document["error"]["type"]) == (415, "invalid_request_error")


async def test_a_body_of_very_many_values_is_refused_before_it_is_parsed(
    start_relay: StartRelay, http: aiohttp.ClientSession
) -> None:
    relay = await start_relay()
    body = b'{"model":"demo","input":[' + b"[],[]," * 200_000 + b"[]]}"
    status, document = await post(http, f"{relay.openai_url}/embeddings", data=io.BytesIO(body))
    assert (status, "JSON values" in document["error"]["message"]) == (400, True)


async def test_of_duplicate_keys_the_one_that_was_checked_is_sent(
    start_relay: StartRelay, http: aiohttp.ClientSession
) -> None:
    relay = await start_relay()
    status, document = await post(
        http, f"{relay.openai_url}/chat/completions",
        data=b'{"model":"nobody@nowhere","messages":[{"role":"user","content":"x"}],"\\u006dodel":"demo"}',
    )  # fmt: skip
    assert (status, document["model"]) == (200, "demo")
