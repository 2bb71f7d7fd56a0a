"""Every recorded exchange, replayed by an upstream that cuts its bytes at random places, comes through equal."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import aiohttp
import orjson
import pytest
from yarl import URL

from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.support import corpus
from tests.support.corpus import Exchange
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, provider
from tests.support.scripted import Out, Received, Script, answers, cut, streams

ASKED, REPLACED = "the-alias", "the-model"
HIDDEN_FROM_UPSTREAM = {"authorization", "x-api-key", "cookie", "accept-encoding", "content-length", "host"}

SEVERAL_ANSWERS = {
    "1513e56d4448244f": b"event: message_stop\n",
    "234de3bee2996abc": b"event: message_stop\n",
    "35337baffd1d2923": b"event: response.completed\n",
}
"""Recordings in which a fixture's author put the answers to several calls in a row: the first one counts."""


def replay(exchange: Exchange, luck: random.Random) -> Script:
    headers = [(name, value) for name, value in exchange.response_headers.items() if "\n" not in value]
    body = exchange.response
    if not exchange.is_stream:
        return answers(exchange.status, body, headers)
    count = luck.choice([1, 5, 50, min(len(body), 2_000)])
    return streams(cut(body, luck.choices(range(len(body) + 1), k=count)), headers)


def expected_answer(exchange: Exchange) -> bytes:
    """The recorded bytes without the usage chunk that this client had not asked for."""
    if exchange.id in SEVERAL_ANSWERS:
        before, mark, after = exchange.response.partition(SEVERAL_ANSWERS[exchange.id])
        return before + mark + after.partition(b"\n\n")[0] + b"\n\n"
    options = exchange.request.get("stream_options") or {}
    if exchange.endpoint.dialect is not Dialect.CHAT or not exchange.is_stream or options.get("include_usage"):
        return exchange.response
    assert b"\r" not in exchange.response
    events = exchange.response.split(b"\n\n")
    return b"\n\n".join(event for event in events if not is_usage_only(event))


def is_usage_only(event: bytes) -> bool:
    if not event.startswith(b"data: {"):
        return False
    chunk = orjson.loads(event[6:])
    return chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def expected_request(exchange: Exchange) -> dict[str, object]:
    wanted = {**exchange.request, "model": REPLACED}
    if exchange.endpoint.has_usage_option and exchange.request.get("stream"):
        wanted["stream_options"] = {**(wanted.get("stream_options") or {}), "include_usage": True}
    return wanted


def check_request(exchange: Exchange, received: list[Received]) -> None:
    (request,) = received
    path = f"/v1{exchange.endpoint.upstream_path}"
    assert request.target == (f"{path}?{exchange.query}" if exchange.query else path)
    assert orjson.loads(request.body) == expected_request(exchange)
    for name, value in exchange.request_headers.items():
        if name.lower() not in HIDDEN_FROM_UPSTREAM and "_" not in name:
            assert request.header(name) == value, name
    assert not [value for _, value in request.headers if ACCESS_KEY in value]
    sent_key = request.header("x-api-key") or (request.header("Authorization") or "").removeprefix("Bearer ")
    assert sent_key == f"{UPSTREAM_KEY}-1"


@pytest.mark.skipif(not corpus.FOLDER, reason="MONORELAY_CORPUS names no folder")
@pytest.mark.proof
@pytest.mark.parametrize("path", corpus.files(), ids=lambda path: path.name.partition(".")[0])
async def test_every_recorded_exchange_comes_through(
    start_relay: StartRelay, start_upstream: StartUpstream, path: Path, proof_count: Callable[[int], int]
) -> None:
    current: list[Script] = []

    async def script(request: Received, out: Out) -> None:
        await current[0](request, out)

    upstream = await start_upstream(script)
    relay = await start_relay(
        {
            "openai": provider(upstream.url, dialects=["chat", "responses"]),
            "anthropic": provider(upstream.url, kind="anthropic"),
        },
        model_routing={"aliases": {ASKED: [f"{REPLACED}@openai", f"{REPLACED}@anthropic"]}},
    )
    async with aiohttp.ClientSession(headers={"X-Access-Key": ACCESS_KEY}) as session:
        for seed in range(proof_count(10)):
            for exchange in corpus.exchanges(path):
                current[:] = [replay(exchange, random.Random(f"{seed} {exchange.id}"))]
                upstream.received.clear()
                relay.forgive_all_keys()
                url = URL(f"{relay.url}{exchange.endpoint.path}?{exchange.query}", encoded=True)
                body = orjson.dumps({**exchange.request, "model": ASKED})
                async with session.post(url, data=body, headers=exchange.request_headers) as answer:
                    check_answer(exchange, answer.status, await answer.read())
                if exchange.status != 401:
                    check_request(exchange, upstream.received)


def check_answer(exchange: Exchange, status: int, body: bytes) -> None:
    if exchange.status == 401:  # The relay's own key was refused: none of the client's business.
        assert (status, orjson.loads(body)["error"]["code"]) == (502, "upstream_auth"), exchange.id
        return
    assert (status, body) == (exchange.status, expected_answer(exchange)), exchange.id
