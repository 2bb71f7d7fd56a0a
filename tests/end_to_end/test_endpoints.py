"""Every row of the table of relayed endpoints, walked: an answer, a stream, a refusal, a reset, an unknown model."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from relay.core.endpoints import ENDPOINTS, Endpoint
from relay.errors import ErrorFacts
from relay.formats.registry import DIALECTS
from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.formats.streams import goldens
from tests.support.running import UPSTREAM_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received, ScriptedUpstream, answers, streams

KINDS = {Dialect.CHAT: "openai", Dialect.RESPONSES: "openai", Dialect.MESSAGES: "anthropic"}
AUTH = {"openai": ("Authorization", f"Bearer {UPSTREAM_KEY}-1"), "anthropic": ("x-api-key", f"{UPSTREAM_KEY}-1")}
ANSWER = b'{"id":"1", "of":"any endpoint"}'
REFUSAL = ErrorFacts(400, "Too hot.", "invalid_request_error", "invalid_request_error", "too_hot", "temperature")

every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
every_stream = pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if one.may_stream], ids=lambda endpoint: endpoint.path
)


async def resets(request: Received, out: Out) -> None:
    out.abort()


@pytest.fixture
async def upstream(start_upstream: StartUpstream) -> ScriptedUpstream:
    """One server for the providers of all dialects."""
    return await start_upstream(answers(200, ANSWER))


@pytest.fixture
async def relay(start_relay: StartRelay, upstream: ScriptedUpstream) -> RunningRelay:
    """A provider for each dialect, called like it, that speaks nothing else."""
    return await start_relay({
        dialect.value: provider(upstream.url, kind=kind, dialects=[dialect.value]) for dialect, kind in KINDS.items()
    })  # fmt: skip


async def call(
    http: aiohttp.ClientSession, relay: RunningRelay, endpoint: Endpoint, *, model: str = "", stream: bool = False
) -> tuple[int, bytes]:
    body: dict[str, Any] = {"model": model or f"m@{endpoint.dialect}", "anything": [1, {"a": None}]}
    if stream:
        body["stream"] = True
    async with http.post(f"{relay.url}{endpoint.path}", data=orjson.dumps(body)) as answer:
        return answer.status, await answer.read()


def told(endpoint: Endpoint, body: bytes) -> dict[str, Any]:
    """The inner error; the document around it has exactly the fields that the endpoint's dialect gives it."""
    document: dict[str, Any] = orjson.loads(body)
    if endpoint.dialect is Dialect.MESSAGES:
        assert set(document) == {"type", "error", "request_id"}
        assert set(document["error"]) == {"type", "message"}
    else:
        assert set(document) == {"error"}
        assert set(document["error"]) == {"message", "type", "param", "code"}
    error: dict[str, Any] = document["error"]
    return error


def golden_stream(dialect: Dialect) -> bytes:
    (golden,) = [one for one in goldens() if one.dialect is dialect and one.name == "text"]
    return golden.stream


def test_there_is_a_provider_for_every_dialect() -> None:
    assert set(KINDS) == set(Dialect)


@every_endpoint
async def test_a_plain_call_comes_back_as_it_was_answered(
    http: aiohttp.ClientSession, relay: RunningRelay, endpoint: Endpoint
) -> None:
    assert await call(http, relay, endpoint) == (200, ANSWER)


@every_endpoint
async def test_a_call_goes_to_the_path_of_its_row_with_the_key_and_the_body(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    await call(http, relay, endpoint)
    (received,) = upstream.received
    name, value = AUTH[KINDS[endpoint.dialect]]
    assert (received.method, received.target) == ("POST", f"/v1{endpoint.upstream_path}")
    assert received.header(name) == value
    assert orjson.loads(received.body) == {"model": "m", "anything": [1, {"a": None}]}


@every_stream
async def test_a_streamed_call_comes_back_byte_for_byte(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    whole = golden_stream(endpoint.dialect)
    upstream.script = streams([whole[:100], whole[100:]])
    assert await call(http, relay, endpoint, stream=True) == (200, whole)


@every_stream
async def test_only_rows_that_need_it_ask_a_stream_for_its_usage(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    upstream.script = streams([golden_stream(endpoint.dialect)])
    await call(http, relay, endpoint, stream=True)
    (received,) = upstream.received
    options = {"include_usage": True} if endpoint.has_usage_option else None
    assert orjson.loads(received.body).get("stream_options") == options


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if not one.may_stream], ids=lambda endpoint: endpoint.path
)
async def test_where_nothing_streams_the_wish_for_a_stream_is_the_providers_to_judge(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    assert await call(http, relay, endpoint, stream=True) == (200, ANSWER)
    assert orjson.loads(upstream.received[0].body)["stream"] is True


@every_endpoint
async def test_a_providers_400_is_passed_on(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    refusal = DIALECTS[endpoint.dialect].error_body(REFUSAL, "req_of_the_provider")
    upstream.script = answers(400, refusal)
    assert await call(http, relay, endpoint) == (400, refusal)
    assert len(upstream.received) == 1


@every_stream
async def test_a_providers_400_for_a_stream_is_passed_on_as_json(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    refusal = DIALECTS[endpoint.dialect].error_body(REFUSAL, "req_of_the_provider")
    upstream.script = answers(400, refusal)
    assert await call(http, relay, endpoint, stream=True) == (400, refusal)


@every_endpoint
async def test_a_reset_is_a_502_in_the_dialect(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    upstream.script = resets
    status, body = await call(http, relay, endpoint)
    error = told(endpoint, body)
    assert (status, error["message"]) == (502, "The provider closed the connection before it answered.")
    assert error["type"] == ("api_error" if endpoint.dialect is Dialect.MESSAGES else "server_error")


@every_stream
async def test_a_reset_in_place_of_a_stream_is_a_502_in_the_dialect(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    upstream.script = resets
    status, body = await call(http, relay, endpoint, stream=True)
    assert (status, told(endpoint, body)["message"]) == (502, "The provider closed the connection before it answered.")


@every_endpoint
async def test_an_unknown_model_is_a_404_in_the_dialect_and_reaches_no_provider(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    status, body = await call(http, relay, endpoint, model="unheard-of")
    error = told(endpoint, body)
    assert (status, "unheard-of" in error["message"], upstream.received) == (404, True, [])
    assert error["type"] == ("not_found_error" if endpoint.dialect is Dialect.MESSAGES else "invalid_request_error")


@every_endpoint
async def test_a_provider_of_another_dialect_is_a_400_in_that_of_the_endpoint(
    http: aiohttp.ClientSession, relay: RunningRelay, upstream: ScriptedUpstream, endpoint: Endpoint
) -> None:
    other = next(dialect for dialect in Dialect if dialect is not endpoint.dialect)
    status, body = await call(http, relay, endpoint, model=f"m@{other}")
    assert (status, "does not speak" in told(endpoint, body)["message"], upstream.received) == (400, True, [])
