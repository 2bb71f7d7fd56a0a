"""Fetching one provider's list, from an upstream that is scripted byte by byte."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from relay.core import listing
from relay.core.listing import MAX_BYTES, MAX_PAGES, fetch
from relay.errors import UpstreamError
from relay.upstream.listed_model import ListedModel
from relay.upstream.model_list import MAX_MODELS
from relay.upstream.transport import Transport
from tests.conftest import StartUpstream
from tests.core.fakes import NOW, providers_of
from tests.support.scripted import Out, Received, answers, in_turn
from tests.support.transports import direct_transport

KEY, OTHER_KEY, LAST_KEY, SPARE_KEY = (f"sk-canary-{letter}-0123456789" for letter in "abcd")
TWO = b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}'
NAMED = (ListedModel("a"), ListedModel("b"))


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with direct_transport() as made:
        yield made


async def fetched(transport: Transport, url: str, block: str = "") -> tuple[ListedModel, ...]:
    """The list of a provider with one key, unless `block` says something else."""
    more = block or f"keys: [{{key: {KEY}}}]"
    (provider, _) = providers_of(f"providers: {{up: {{base_url: '{url}', {more}}}}}").values()
    return await fetch(provider, transport, lambda: NOW)


async def refusal(transport: Transport, url: str, block: str = "") -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await fetched(transport, url, block)
    return caught.value


def keys(*secrets: str) -> str:
    return f"keys: [{', '.join(f'{{key: {secret}}}' for secret in secrets)}]"


def page(*names: str, **more: Any) -> bytes:
    return orjson.dumps({"data": [{"id": name} for name in names], **more})


async def test_the_list_is_asked_for_with_the_providers_key(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(answers(200, TWO))
    assert await fetched(transport, upstream.url, f"keys: [{{key: {KEY}}}], headers: {{X-Org: mine}}") == NAMED
    (request,) = upstream.received
    assert (request.method, request.target, request.body) == ("GET", "/models", b"")
    assert {name.lower(): value for name, value in request.headers} == {
        "host": f"127.0.0.1:{upstream.port}",
        "accept": "application/json, text/event-stream",
        "user-agent": "MonoRelay",
        "accept-encoding": "identity",
        "authorization": f"Bearer {KEY}",
        "x-org": "mine",
    }


async def test_a_local_server_is_asked_without_a_key(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, TWO))
    assert await fetched(transport, upstream.url, "provider_type: ollama") == NAMED
    assert upstream.received[0].header("Authorization") is None


async def test_anthropics_pages_are_one_list(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(
        in_turn(
            answers(200, page("a", "b", has_more=True, last_id="b/1")),
            answers(200, page("B", "c", has_more=False, last_id="c")),
        )
    )
    block = f"provider_type: anthropic, {keys(KEY)}"
    assert [model.name for model in await fetched(transport, upstream.url, block)] == ["a", "b", "c"]
    first, second = upstream.received
    assert (first.target, second.target) == ("/v1/models?limit=1000", "/v1/models?limit=1000&after_id=b%2F1")
    assert (second.header("x-api-key"), second.header("anthropic-version")) == (KEY, "2023-06-01")


async def test_geminis_names_are_those_of_its_calls(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, page("models/a", "models/b")))
    assert await fetched(transport, upstream.url, f"provider_type: gemini, {keys(KEY)}") == NAMED


async def test_pages_without_an_end_come_to_one(transport: Transport, start_upstream: StartUpstream) -> None:
    async def one_more(request: Received, out: Out) -> None:
        number = len(upstream.received)
        await answers(200, page(f"m{number}", has_more=True, last_id="x"))(request, out)

    upstream = await start_upstream(one_more)
    assert len(await fetched(transport, upstream.url)) == len(upstream.received) == MAX_PAGES


async def test_a_page_that_says_nothing_new_is_the_last(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, page("a", has_more=True, last_id="a")))
    assert await fetched(transport, upstream.url) == NAMED[:1]
    assert len(upstream.received) == 2


async def test_a_list_that_is_full_is_not_read_on(transport: Transport, start_upstream: StartUpstream) -> None:
    names = [str(number) for number in range(MAX_MODELS + 1)]
    upstream = await start_upstream(answers(200, page(*names, has_more=True, last_id="a")))
    assert len(await fetched(transport, upstream.url)) == MAX_MODELS
    assert len(upstream.received) == 1


async def test_a_failure_on_a_further_page_fails_the_whole(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(in_turn(answers(200, page("a", has_more=True, last_id="a")), answers(503, b"")))
    assert (await refusal(transport, upstream.url)).upstream_status == 503


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    async def endless(request: Received, out: Out) -> None:
        await out.head(200, [("Transfer-Encoding", "chunked")])
        while True:
            await out.chunk(b" " * 65536)

    upstream = await start_upstream(endless)
    error = await refusal(transport, upstream.url)
    assert (error.facts.code, str(MAX_BYTES) in error.facts.message) == ("answer_too_large", True)


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"", b'{"data": "none"}'])
async def test_an_answer_that_is_no_list_is_a_failure(
    transport: Transport, start_upstream: StartUpstream, body: bytes
) -> None:
    upstream = await start_upstream(answers(200, body))
    assert (await refusal(transport, upstream.url)).facts.code == "bad_upstream_event"


async def test_a_redirect_is_not_followed(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(302, b"", [("Location", "http://127.0.0.1:9/")]))
    assert (await refusal(transport, upstream.url)).facts.code == "upstream_redirect"


async def test_a_provider_that_is_not_there_is_a_failure(transport: Transport) -> None:
    assert (await refusal(transport, "http://127.0.0.1:9")).facts.code == "upstream_unreachable"


async def test_a_refusal_names_no_secret(transport: Transport, start_upstream: StartUpstream) -> None:
    body = orjson.dumps({"error": {"message": f"{KEY} may not list http://127.0.0.1", "code": KEY}})
    upstream = await start_upstream(answers(403, body))
    error = await refusal(transport, upstream.url)
    assert error.upstream_status == 403
    assert KEY not in f"{error.facts}{error.body!r}"


async def test_half_a_refusal_is_one_all_the_same(transport: Transport, start_upstream: StartUpstream) -> None:
    async def broken(request: Received, out: Out) -> None:
        await out.head(404, [("Content-Length", "100")])
        await out.raw(b'{"error": {"mess')
        out.abort()

    upstream = await start_upstream(broken)
    error = await refusal(transport, upstream.url)
    assert (error.upstream_status, error.facts.message) == (404, "The provider refused the request with status 404.")


@pytest.mark.parametrize("status", [401, 402, 429])
async def test_another_key_is_tried_where_the_provider_complains_of_one(
    transport: Transport, start_upstream: StartUpstream, status: int
) -> None:
    upstream = await start_upstream(in_turn(answers(status, b""), answers(200, TWO)))
    assert await fetched(transport, upstream.url, keys(KEY, OTHER_KEY)) == NAMED
    used = [request.header("Authorization") for request in upstream.received]
    assert used == [f"Bearer {KEY}", f"Bearer {OTHER_KEY}"]


async def test_no_other_key_is_tried_where_none_would_help(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(404, b""))
    assert (await refusal(transport, upstream.url, keys(KEY, OTHER_KEY))).upstream_status == 404
    assert len(upstream.received) == 1


async def test_only_a_few_keys_are_tried(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(401, b""))
    error = await refusal(transport, upstream.url, keys(KEY, OTHER_KEY, LAST_KEY, SPARE_KEY))
    assert error.facts.code == "upstream_auth"
    assert len(upstream.received) == listing.MAX_KEYS


async def test_a_key_that_may_not_be_used_is_not(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(answers(200, TWO))
    off = f"{{key: {KEY}, enabled: false}}, {{key: {OTHER_KEY}, expires_at: 2020-01-01}}"
    assert await fetched(transport, upstream.url, f"keys: [{off}, {{key: {LAST_KEY}}}]") == NAMED
    assert upstream.received[0].header("Authorization") == f"Bearer {LAST_KEY}"
    assert (await refusal(transport, upstream.url, f"keys: [{off}]")).facts.code == "no_available_key"
    assert len(upstream.received) == 1


async def test_a_list_that_takes_too_long_is_a_failure(
    transport: Transport, start_upstream: StartUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(request: Received, out: Out) -> None:
        await out.peer_left()

    monkeypatch.setattr(listing, "FETCH_S", 0.05)
    upstream = await start_upstream(hangs)
    assert (await refusal(transport, upstream.url)).facts.code == "upstream_timeout"
