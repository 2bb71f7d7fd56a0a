from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from relay import faults
from relay.core.calls import RelayRequest
from relay.core.means import Memory
from relay.core.params import LayerChange
from relay.core.relay import Relay
from relay.core.trail import Trail
from relay.errors import InvalidRequest, ModelNotFound, UpstreamError
from relay.upstream.transport import Connection
from tests.core.fakes import (
    DONE,
    HANG,
    JSON_TYPE,
    FakeCall,
    FakeClient,
    FakeTransport,
    asked,
    chunk,
    delivered,
    relay_of,
    stream_of,
)

SECRET = "sk-canary-0123456789"
CONFIG = f"""
providers:
  one:
    base_url: http://inner.host/v1
    keys: [{{key: {SECRET}-1, label: k1}}, {{key: {SECRET}-2, label: k2}}]
    models: {{include: [m, only-one]}}
  two:
    base_url: http://other.host/v1
    models: {{include: [m, only-two]}}
  spent:
    base_url: http://spent.host/v1
    keys: [{{key: {SECRET}-3, expires_at: 2026-07-01T12:00:00Z}}]
    models: {{include: [only-spent, shared]}}
  talker:
    base_url: http://talker.host/v1
    dialects: [messages]
    models: {{include: [only-talker]}}
model_routing:
  aliases: {{rested: [only-spent, only-two]}}
"""
ANSWER = b'{"choices": []}'


def good() -> FakeCall:
    return FakeCall(ANSWER, headers=JSON_TYPE)


def refusing(status: int) -> FakeCall:
    return FakeCall(b'{"error": {"message": "no"}}', status=status, headers=JSON_TYPE)


def keys_used(transport: FakeTransport) -> list[str]:
    """The last sign of each key that was sent."""
    return [request.headers.fields["Authorization"][-1] for request in transport.requests]


def calling(one: FakeTransport, two: FakeTransport | None = None, memory: Memory | None = None) -> Relay:
    return relay_of(CONFIG, {"one": one, "two": two or FakeTransport()}, memory)


async def trail_of(relay: Relay, request: RelayRequest) -> Trail:
    """What was tried for a call that is answered."""
    trail = Trail()
    await relay.open(request, trail)
    return trail


def provider_of(trail: Trail) -> str:
    """Who was asked last."""
    assert trail.target is not None
    return trail.target.provider


async def test_the_first_target_answers_when_it_can() -> None:
    trail = await trail_of(calling(FakeTransport(good())), asked())
    assert (provider_of(trail), len(trail.attempts)) == ("one", 1)


async def test_a_refused_key_is_followed_by_the_next_key() -> None:
    one = FakeTransport(refusing(401), good())
    trail = await trail_of(calling(one), asked())
    assert (provider_of(trail), len(trail.attempts), keys_used(one)) == ("one", 2, ["1", "2"])


async def test_when_all_keys_are_refused_the_next_target_is_tried() -> None:
    one, two = FakeTransport(refusing(429), refusing(429)), FakeTransport(good())
    trail = await trail_of(calling(one, two), asked())
    assert (provider_of(trail), len(trail.attempts), keys_used(one)) == ("two", 3, ["1", "2"])


async def test_an_unreachable_target_is_followed_by_the_next_target() -> None:
    one, two = FakeTransport(faults.unreachable()), FakeTransport(good())
    trail = await trail_of(calling(one, two), asked())
    assert (provider_of(trail), len(trail.attempts), len(one.requests)) == ("two", 2, 1)


async def test_a_dead_connection_is_followed_by_the_same_call_on_a_fresh_one() -> None:
    one = FakeTransport(faults.closed_before_head(), good())
    await calling(one).open(asked(), Trail())
    assert [request.connection for request in one.requests] == [Connection.POOLED, Connection.FRESH]
    assert keys_used(one) == ["1", "1"]


async def test_a_provider_without_keys_is_called_without_a_credential() -> None:
    two = FakeTransport(good())
    await calling(FakeTransport(), two).open(asked(model="only-two"), Trail())
    assert "Authorization" not in two.requests[0].headers.fields


async def test_a_first_event_that_is_an_error_is_followed_by_the_next_key() -> None:
    failing = FakeCall(b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n', HANG)
    one = FakeTransport(failing, FakeCall(chunk("a"), DONE))
    client = FakeClient()
    await delivered(stream_of(await calling(one).open(asked(stream=True), Trail())), client)
    assert (client.body, failing.is_closed, keys_used(one)) == (chunk("a") + DONE, True, ["1", "2"])


async def test_the_refusal_of_the_request_itself_is_final() -> None:
    one, two = FakeTransport(refusing(400)), FakeTransport(good())
    with pytest.raises(UpstreamError) as caught:
        await calling(one, two).open(asked(), Trail())
    assert (caught.value.facts.status, len(one.requests), len(two.requests)) == (400, 1, 0)


async def test_after_three_attempts_the_last_failure_is_told() -> None:
    one, two = FakeTransport(refusing(500), refusing(500)), FakeTransport(refusing(503), good())
    with pytest.raises(UpstreamError) as caught:
        await calling(one, two).open(asked(), Trail())
    assert (caught.value.facts.status, len(one.requests), len(two.requests)) == (503, 2, 1)


async def test_every_failed_call_is_closed() -> None:
    calls = [refusing(500), FakeCall(headers=JSON_TYPE), FakeCall(status=302)]
    with pytest.raises(UpstreamError):
        await calling(FakeTransport(*calls[:2]), FakeTransport(calls[2])).open(asked(), Trail())
    assert [call.is_closed for call in calls] == [True, True, True]


async def test_without_any_usable_key_nothing_is_called() -> None:
    trail = Trail()
    with pytest.raises(UpstreamError) as caught:
        await calling(FakeTransport()).open(asked(model="only-spent"), trail)
    assert (caught.value.facts.status, caught.value.facts.code) == (503, "no_available_key")
    assert (provider_of(trail), trail.attempts) == ("spent", [])


async def test_a_target_without_a_usable_key_is_passed_over() -> None:
    trail = await trail_of(calling(FakeTransport(), FakeTransport(good())), asked(model="rested"))
    assert (provider_of(trail), len(trail.attempts)) == ("two", 1)


async def test_a_model_that_nobody_has_is_refused_before_anything_is_called() -> None:
    with pytest.raises(ModelNotFound):
        await calling(FakeTransport()).open(asked(model="nobody-has-it"), Trail())


async def test_a_model_that_nobody_serves_in_this_dialect_is_refused_before_anything_is_called() -> None:
    with pytest.raises(InvalidRequest):
        await calling(FakeTransport()).open(asked(model="only-talker"), Trail())


async def test_calls_take_turns_with_the_keys() -> None:
    one = FakeTransport(good(), good(), good())
    relay = calling(one)
    for _ in range(3):
        await relay.open(asked(), Trail())
    assert keys_used(one) == ["1", "2", "1"]


async def test_the_turn_outlives_the_relay_of_one_configuration() -> None:
    memory = Memory()
    transports = [FakeTransport(good()), FakeTransport(good())]
    for transport in transports:
        await calling(transport, memory=memory).open(asked(), Trail())
    assert [keys_used(transport) for transport in transports] == [["1"], ["2"]]


async def test_the_wait_of_failed_attempts_counts() -> None:
    trail = await trail_of(calling(FakeTransport(refusing(500), good())), asked())
    assert trail.waited_s == 2


async def test_each_target_gets_what_the_configuration_says_of_it_and_the_trail_tells_of_the_last() -> None:
    text = CONFIG.replace("only-one]}", "only-one]}\n    params: {top_p: 1}") + (
        "  global_params: {enabled: true, params: {seed: 5}}\n"
    )
    one, two = FakeTransport(faults.unreachable()), FakeTransport(good())
    trail = await trail_of(relay_of(text, {"one": one, "two": two}), asked())
    bodies = [orjson.loads(transport.requests[0].body) for transport in (one, two)]
    assert bodies == [{"model": "m", "seed": 5, "top_p": 1}, {"model": "m", "seed": 5}]
    assert trail.receipt.layers == (LayerChange("model_routing.global_params", ("seed",)),)


async def test_a_failed_attempt_is_logged_without_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await calling(FakeTransport(refusing(500), good())).open(asked(), Trail())
    assert caplog.messages == ["req_1 attempt at one (key k1) failed: 500 None"]
    assert [word for word in (SECRET, "inner.host") if word in caplog.text] == []


async def test_a_failed_attempt_without_a_key_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(UpstreamError):
        await calling(FakeTransport(), FakeTransport(faults.unreachable())).open(asked(model="only-two"), Trail())
    assert caplog.messages == ["req_1 attempt at two (key -) failed: 502 upstream_unreachable"]


async def test_a_call_that_is_cancelled_is_not_tried_again() -> None:
    call = FakeCall(HANG)
    one = FakeTransport(call, good())
    opening = asyncio.ensure_future(calling(one).open(asked(stream=True), Trail()))
    await call.hangs.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert (len(one.requests), call.is_closed) == (1, True)


def in_flight(memory: Memory) -> int:
    return sum(known.meters.in_flight for ring in memory.rings.values() for known in ring.keys.values())


async def test_a_key_is_in_use_until_its_stream_is_closed() -> None:
    memory = Memory()
    relay = calling(FakeTransport(FakeCall(chunk("a"), DONE)), memory=memory)
    stream = stream_of(await relay.open(asked(stream=True), Trail()))
    assert in_flight(memory) == 1
    await delivered(stream, FakeClient())
    assert in_flight(memory) == 0


async def test_every_other_end_frees_the_key_too() -> None:
    memory = Memory()
    hanging = FakeCall(HANG)
    relay = calling(FakeTransport(good(), refusing(400), hanging), memory=memory)
    await relay.open(asked(), Trail())
    assert in_flight(memory) == 0
    with pytest.raises(UpstreamError):
        await relay.open(asked(), Trail())
    assert in_flight(memory) == 0
    opening = asyncio.ensure_future(relay.open(asked(), Trail()))
    await hanging.hangs.wait()
    assert in_flight(memory) == 1
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert in_flight(memory) == 0


async def test_a_key_that_was_refused_once_is_not_asked_by_the_next_call() -> None:
    one = FakeTransport(refusing(401), good(), good(), good())
    relay = calling(one)
    for _ in range(3):
        await relay.open(asked(), Trail())
    assert keys_used(one) == ["1", "2", "2", "2"]


async def test_when_all_keys_rest_the_client_is_told_for_how_long() -> None:
    limited = [FakeCall(status=429, headers={"Retry-After": wait_s}) for wait_s in ("9", "7")]
    one = FakeTransport(*limited)
    relay = calling(one)
    for _ in range(2):
        with pytest.raises(UpstreamError) as caught:
            await relay.open(asked(model="only-one"), Trail())
        assert (caught.value.facts.status, caught.value.facts.retry_after_s) == (429, 7)
    assert len(one.requests) == 2


async def test_tokens_of_answers_count_against_the_key() -> None:
    text = "providers: {one: {base_url: 'http://x.test/v1', default: true, keys: [{key: k, rate_limit_tpm: 10}]}}"
    usage = b'{"choices": [], "usage": {"prompt_tokens": 6, "completion_tokens": 6, "total_tokens": 12}}'
    relay = relay_of(text, {"one": FakeTransport(FakeCall(usage, headers=JSON_TYPE))})
    await relay.open(asked(), Trail())
    with pytest.raises(UpstreamError) as caught:
        await relay.open(asked(), Trail())
    assert (caught.value.facts.status, caught.value.facts.code) == (429, "rate_limit_exceeded")
