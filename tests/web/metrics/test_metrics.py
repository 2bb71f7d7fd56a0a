"""The series of a running relay against the records of the same calls, and what may never be in them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from relay.core.metrics import CallCounter, CallTallies, ModelLabels
from relay.core.metrics.calls import ATTEMPT_S, FIRST_TOKEN_S, OVERHEAD_S, REQUEST_S
from relay.core.routing import Catalog, Place, Rules
from relay.model import AttemptRecord, CallRecord, Dialect, Outcome, Target
from relay.web.metrics.handler import Taken
from tests.conftest import StartRelay, StartUpstream
from tests.core.metrics.test_calls import FIELDS
from tests.support.clients import Callers, chat_request
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, RunningRelay, provider
from tests.support.scraping import OPENMETRICS, Scrape, read, scraped
from tests.support.scripted import Out, Received

USAGE = b'"usage":{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}'
ANSWER = b'{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],%s}' % USAGE
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
LAST = b'data: {"choices":[],%s}\n\ndata: [DONE]\n\n' % USAGE
STREAM = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
HELLO = [{"role": "user", "content": "Hello"}]
TOKEN = "scrape-token-0123456789"


async def upstream_of_all_kinds(request: Received, out: Out) -> None:
    """What becomes of a call is said in its `user`."""
    body = orjson.loads(request.body)
    kind = body.get("user", "")
    if kind == "limited" and request.header("Authorization") == f"Bearer {UPSTREAM_KEY}-1":
        await out.head(429, [("Content-Length", "0"), ("Retry-After", "30")])
    elif kind == "broken":
        await out.head(500, [("Content-Type", "application/json"), ("Content-Length", "32")])
        await out.raw(b'{"error":{"code":"theirs-alone"}}'[:32])
    elif kind == "refused":
        await out.head(400, [("Content-Length", "0")])
    elif body.get("stream"):
        await out.head(200, STREAM)
        await out.chunk(EVENT)
        await _rest_of_stream(kind, out)
    else:
        await out.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
        await out.raw(ANSWER)


async def _rest_of_stream(kind: str, out: Out) -> None:
    if kind == "dies":
        out.abort()
    elif kind == "waits":
        await out.peer_left()
    else:
        await out.chunk(LAST)
        await out.chunk(b"")


CALLS: Sequence[tuple[int, dict[str, Any]]] = (
    (200, {"model": "known"}),
    (200, {"model": "KNOWN", "stream": True}),
    (200, {"model": "fast", "stream": True}),
    (200, {"model": "known", "stream": True, "user": "dies"}),
    (200, {"model": "known", "user": "limited"}),
    (500, {"model": "known", "user": "broken"}),
    (400, {"model": "globbed-9", "user": "refused"}),
    (404, {"model": "nobody has this"}),
    (404, {"model": "known@nobody"}),
    (400, {"model": 7}),
)


@pytest.fixture
async def relay(start_relay: StartRelay, start_upstream: StartUpstream) -> RunningRelay:
    upstream = await start_upstream(upstream_of_all_kinds)
    up = provider(upstream.url, keys=2, models={"include": ["Known", "globbed-*"]})
    return await start_relay({"up": up}, metrics={"token": TOKEN}, model_routing={"aliases": {"fast": ["known@up"]}})


async def every_kind_of_call(http: aiohttp.ClientSession, relay: RunningRelay, call: Callers) -> list[CallRecord]:
    """Made, and their records."""
    for status, body in CALLS:
        async with http.post(f"{relay.openai_url}/chat/completions", json={"messages": HELLO, **body}) as answer:
            await answer.read()
            assert answer.status == status, (body, await answer.text())
    async with http.post(f"{relay.url}/v1/moderations", json={"model": "known", "input": "x"}) as answer:
        assert answer.status == 200
    leaver = await call(relay.port, chat_request(model="known", user="waits"))
    await leaver.reader.readuntil(EVENT)
    leaver.leave()
    records = await relay.records(len(CALLS) + 2)
    assert {record.outcome for record in records} == {
        Outcome.COMPLETE, Outcome.UPSTREAM_BROKEN, Outcome.REFUSED, Outcome.REJECTED, Outcome.CLIENT_GONE,
    }  # fmt: skip
    return records


LABELS = {"known": "Known", "fast": "fast", "known@nobody": "Known", None: ""}


def model_of(record: CallRecord) -> str:
    return LABELS.get(None if record.model is None else record.model.lower(), "other")


def provider_of(record: CallRecord) -> str:
    return "" if record.target is None else record.target.provider


def spread(observed: Iterable[tuple[tuple[str, ...], float]], bounds: Sequence[float]) -> dict[tuple[str, ...], float]:
    """What the buckets must say, with the bound as the last label."""
    found: Counter[tuple[str, ...]] = Counter()
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    for labels, value in observed:
        for place, name in enumerate(names):
            found[*labels, name] += place >= bisect_left(bounds, value)
    return dict(found)


def assert_spread(
    scrape: Scrape,
    name: str,
    labels: Sequence[str],
    observed: Sequence[tuple[tuple[str, ...], float]],
    bounds: Sequence[float],
) -> None:
    counts, sums = Counter(one for one, _ in observed), Counter[tuple[str, ...]]()
    for one, value in observed:
        sums[one] += value  # type: ignore[assignment]
    assert scrape.values(f"{name}_bucket", *labels, "le") == spread(observed, bounds)
    assert scrape.values(f"{name}_count", *labels) == counts
    assert scrape.values(f"{name}_sum", *labels) == pytest.approx(dict(sums))


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_the_series_say_what_the_records_say(
    relay: RunningRelay, http: aiohttp.ClientSession, call: Callers, accept: str
) -> None:
    records = await every_kind_of_call(http, relay, call)
    scrape = await scraped(relay.url, TOKEN, accept=accept)
    assert scrape.values("monorelay_requests_total", "endpoint", "provider", "model", "status", "outcome") == Counter(
        (record.endpoint, provider_of(record), model_of(record), str(record.status_code), record.outcome.value)
        for record in records
    )
    attempts = [attempt for record in records for attempt in record.attempts]
    assert scrape.values("monorelay_upstream_attempts_total", "provider", "key", "result") == Counter(
        ("up", str(attempt.key_label), {None: "ok", "rate_limit_exceeded": "rate_limit_exceeded"}.get(
            attempt.error, str(attempt.status)
        ))
        for attempt in attempts
    )  # fmt: skip
    times = [((record.endpoint, provider_of(record), model_of(record)), record.latency_ms / 1000) for record in records]
    assert_spread(scrape, "monorelay_request_seconds", ("endpoint", "provider", "model"), times, REQUEST_S)
    firsts = [
        ((provider_of(record), model_of(record)), record.first_token_ms / 1000)
        for record in records
        if record.is_stream and record.first_token_ms is not None
    ]
    assert_spread(scrape, "monorelay_first_token_seconds", ("provider", "model"), firsts, FIRST_TOKEN_S)
    tried = [(("up",), attempt.duration_ms / 1000) for attempt in attempts]
    assert_spread(scrape, "monorelay_upstream_attempt_seconds", ("provider",), tried, ATTEMPT_S)
    own: list[tuple[tuple[str, ...], float]] = [
        ((), record.overhead_us / 1e6) for record in records if record.overhead_us is not None
    ]
    assert len(own) == sum(bool(record.attempts) for record in records)
    assert_spread(scrape, "monorelay_overhead_seconds", (), own, OVERHEAD_S)


async def test_tokens_are_those_of_the_records(relay: RunningRelay, http: aiohttp.ClientSession, call: Callers) -> None:
    records = await every_kind_of_call(http, relay, call)
    expected: Counter[tuple[str, ...]] = Counter()
    for record in records:
        if record.usage is not None:
            for kind in ("input", "cache_read", "output"):
                expected[provider_of(record), model_of(record), kind] += getattr(record.usage, f"{kind}_tokens")
    found = (await scraped(relay.url)).values("monorelay_tokens_total", "provider", "model", "kind")
    assert found == expected
    assert sum(found.values()) == 15 * 5


async def test_the_overhead_is_the_one_that_the_client_is_told(
    relay: RunningRelay, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{relay.openai_url}/chat/completions", json={"model": "known", "messages": HELLO}) as answer:
        told_ms = float(answer.headers["X-MonoRelay-Overhead-Ms"])
    total_s = (await scraped(relay.url)).value("monorelay_overhead_seconds_sum")
    assert total_s * 1000 == pytest.approx(told_ms, abs=0.051)


async def test_a_call_is_counted_though_another_configuration_has_taken_over(
    relay: RunningRelay, http: aiohttp.ClientSession
) -> None:
    for _ in range(2):
        async with http.post(
            f"{relay.openai_url}/chat/completions", json={"model": "known", "messages": HELLO}
        ) as answer:
            assert answer.status == 200
        relay.front.adopt(relay.config)
    found = (await scraped(relay.url)).values("monorelay_requests_total", "model", "status")
    assert found == {("Known", "200"): 2}


async def test_no_secret_and_no_address_is_told(
    relay: RunningRelay, http: aiohttp.ClientSession, call: Callers
) -> None:
    await every_kind_of_call(http, relay, call)
    text = (await scraped(relay.url)).text
    base_url = relay.config.providers["up"].base_url
    for secret in (ACCESS_KEY, UPSTREAM_KEY, TOKEN, base_url, "127.0.0.1", "theirs-alone"):
        assert secret not in text


async def test_relays_in_one_process_count_for_themselves(start_relay: StartRelay, http: aiohttp.ClientSession) -> None:
    one, other = await start_relay(), await start_relay()
    async with http.post(f"{one.openai_url}/chat/completions", json={"model": "demo", "messages": HELLO}) as answer:
        assert answer.status == 200
    counts = [(await scraped(relay.url)).values("monorelay_requests_total", "model") for relay in (one, other)]
    assert counts == [{("demo",): 1}, {}]


@pytest.mark.proof
async def test_five_thousand_names_of_models_leave_one_label(
    start_relay: StartRelay, http: aiohttp.ClientSession, proof_count: Callable[[int], int]
) -> None:
    relay, count = await start_relay(), proof_count(5000)
    before = len((await scraped(relay.url)).text)
    for number in range(count):
        body = {"model": f"made-up-{number * 7919}", "messages": HELLO}
        async with http.post(f"{relay.openai_url}/chat/completions", json=body) as answer:
            assert answer.status == 200
    scrape = await scraped(relay.url)
    assert scrape.values("monorelay_requests_total", "model") == {("other",): count}
    assert len(scrape.text) - before < 10_000


# What any configuration may name, and any client may ask for.

NAMES = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs")), min_size=1, max_size=120).filter(
    str.isprintable
)


def written(tallies: CallTallies) -> list[Scrape]:
    """The exposition in both forms, read back."""
    taken = Taken(
        counters=tallies.counters,
        histograms=tallies.histograms,
        looked=(),
        python=CollectorRegistry(),
        started_at=FIELDS["received_at"],
    )
    return [read(encode(taken).decode()) for encode in (generate_latest, generate_openmetrics)]


@settings(max_examples=60)
@given(st.lists(st.text(max_size=200), max_size=20))
def test_whatever_clients_ask_for_the_exposition_can_be_read(names: list[str]) -> None:
    tallies = CallTallies()
    counter = CallCounter(tallies, ModelLabels(Catalog([Place("up", frozenset(Dialect), ("m",))], Rules({}))))
    for name in names:
        attempts = (AttemptRecord(Target("up", name), "key-1", 400, name, 1),)
        counter.count(CallRecord(**{**FIELDS, "model": name, "target": Target("up", name), "attempts": attempts}))
    for scrape in written(tallies):
        found = scrape.values("monorelay_requests_total", "model")
        assert sum(found.values()) == len(names)
        assert set(found) <= {("m",), ("other",)}


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=5))
def test_whatever_a_configuration_names_is_read_as_it_was_written(names: list[tuple[str, str, str]]) -> None:
    tallies = CallTallies()
    for model, name, key in names:
        labels = ModelLabels(Catalog([Place(name, frozenset(Dialect), (model,))], Rules({})))
        attempts = (AttemptRecord(Target(name, model), key, 200, None, 1),)
        more = {"model": model, "target": Target(name, model), "attempts": attempts}
        CallCounter(tallies, labels).count(CallRecord(**{**FIELDS, **more}))
    for scrape in written(tallies):
        requests = scrape.values("monorelay_requests_total", "provider", "model")
        attempts_found = scrape.values("monorelay_upstream_attempts_total", "provider", "key")
        assert requests == {labels[1:3]: amount for labels, amount in tallies.requests.totals.items()}
        assert attempts_found == {labels[:2]: amount for labels, amount in tallies.attempts.totals.items()}
