from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from relay import faults
from relay.config.schema import Config
from relay.core.attempt import MAX_ERROR_BYTES, MAX_HELD_BYTES, Collector, PlainAnswer, Try
from relay.core.attempts import Attempt
from relay.core.calls import RelayRequest
from relay.core.held import Held
from relay.core.means import Memory, means_of
from relay.core.stream import RelayStream
from relay.core.trail import Trail
from relay.errors import Retry, UpstreamError
from relay.model import AttemptRecord, Target
from relay.upstream.transport import Connection, Deadlines
from tests.core.fakes import (
    CHAT,
    DONE,
    HANG,
    JSON_TYPE,
    NOW,
    FakeCall,
    FakeClient,
    FakeTransport,
    Step,
    asked,
    chunk,
    delivered,
    fake_clocks,
    providers_of,
    stream_of,
)

PROVIDER = providers_of("""
providers:
  up:
    base_url: http://inner.host/v1
    keys: [{key: sk-canary-0123456789}]
    headers: {X-Team: ours}
    timeout: {connect: 1, first_byte: 2, idle: 3, total: 4}
""")["up"]
ANSWER = b'{"id": "c", "choices": [{"message": {"content": "hi"}}]}'
PLAIN, STREAM = asked(), asked(stream=True)


def trial(request: RelayRequest = PLAIN, connection: Connection = Connection.POOLED, trail: Trail | None = None) -> Try:
    means, clocks = means_of(Config(), {"up": PROVIDER}, Memory(), fake_clocks()), fake_clocks()
    target = Target("up", "upstream-model")
    held = Held(means.keyrings["up"].take(NOW), means.breakers.enter_anyway(target), means.meters.begin(target, 0))
    return Try(request, Attempt(target, PROVIDER, held, connection), trail or Trail(), clocks)


async def opened(
    call: FakeCall, request: RelayRequest = PLAIN, trail: Trail | None = None
) -> PlainAnswer | RelayStream:
    return await trial(request, trail=trail).open(FakeTransport(call))


async def plain(call: FakeCall, request: RelayRequest = PLAIN) -> PlainAnswer:
    answer = await opened(call, request)
    assert isinstance(answer, PlainAnswer)
    return answer


async def failed(call: FakeCall, request: RelayRequest = PLAIN) -> UpstreamError:
    """The failure of the attempt, whose call must be closed."""
    with pytest.raises(UpstreamError) as caught:
        await opened(call, request)
    assert call.is_closed
    return caught.value


# What goes out


async def test_the_call_goes_to_the_providers_endpoint_with_its_key_and_its_headers() -> None:
    transport = FakeTransport(FakeCall(ANSWER, headers=JSON_TYPE))
    client = [("User-Agent", "sdk"), ("Authorization", "Bearer client"), ("X-Other", "no")]
    await trial(asked(headers=client, query="a=%2F")).open(transport)
    (request,) = transport.requests
    assert (request.method, request.url) == ("POST", "http://inner.host/v1/chat/completions?a=%2F")
    assert dict(request.headers.fields) == {
        "Accept": "*/*",
        "User-Agent": "sdk",
        "X-Team": "ours",
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": "Bearer sk-canary-0123456789",
    }


async def test_the_body_asks_for_the_targets_model() -> None:
    transport = FakeTransport(FakeCall(ANSWER, headers=JSON_TYPE))
    await trial(asked(temperature=1)).open(transport)
    assert orjson.loads(transport.requests[0].body) == {"model": "upstream-model", "temperature": 1}


@pytest.mark.parametrize("connection", Connection)
async def test_deadlines_and_connection_are_those_of_the_attempt(connection: Connection) -> None:
    transport = FakeTransport(FakeCall(ANSWER, headers=JSON_TYPE))
    await trial(connection=connection).open(transport)
    assert (transport.requests[0].deadlines, transport.requests[0].connection) == (Deadlines(1, 2, 3, 4), connection)


@pytest.mark.parametrize(
    ("path", "upstream_path"),
    [
        (CHAT, "/chat/completions"),
        ("/v1/messages", "/messages"),
        ("/v1/messages/count_tokens", "/messages/count_tokens"),
    ],
)
async def test_each_endpoint_has_its_path_at_the_provider(path: str, upstream_path: str) -> None:
    transport = FakeTransport(faults.unreachable())
    with pytest.raises(UpstreamError):
        await trial(asked(path)).open(transport)
    assert transport.requests[0].url == f"http://inner.host/v1{upstream_path}"


# Plain answers


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_plain_answer_is_whole_and_unchanged(status: int) -> None:
    call = FakeCall(ANSWER[:5], ANSWER[5:], status=status, headers=JSON_TYPE)
    answer = await plain(call)
    assert (answer.status, answer.body, call.is_closed) == (status, ANSWER, True)


async def test_a_plain_answer_keeps_the_headers_that_a_client_may_see() -> None:
    headers = {**JSON_TYPE, "Server": "x", "Set-Cookie": "a=b", "Retry-After": "3", "x-ratelimit-limit": "5"}
    answer = await plain(FakeCall(ANSWER, headers=headers))
    assert dict(answer.headers) == {**JSON_TYPE, "Retry-After": "3", "x-ratelimit-limit": "5"}


@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        ([], 200, "empty_response"),
        ([], 204, "empty_response"),
        ([b""], 200, "empty_response"),
        ([b" \r\n\t"], 200, "empty_response"),
        ([b"<html>Bad gateway</html>"], 200, "bad_upstream_event"),
        ([ANSWER[:-1]], 200, "bad_upstream_event"),
        ([ANSWER + ANSWER], 200, "bad_upstream_event"),
        ([chunk("a"), DONE], 200, "bad_upstream_event"),
        ([b'{"choices": ["\xff"]}'], 200, "bad_upstream_event"),
        ([ANSWER[:9], faults.disconnected()], 200, "upstream_disconnected"),
        ([faults.first_byte_timeout()], 200, "upstream_timeout"),
    ],
)
@pytest.mark.parametrize("headers", [JSON_TYPE, {"Content-Type": "text/html"}, {}])
async def test_a_success_that_holds_no_answer_is_a_failure(
    steps: list[Step], status: int, code: str, headers: dict[str, str]
) -> None:
    error = await failed(FakeCall(*steps, status=status, headers=headers))
    assert error.facts.code == code
    assert error.facts.status in (502, 504)


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        ({"message": "slow down", "type": "rate_limit_error"}, 429, Retry.OTHER_KEY),
        ({"message": "bad key", "code": "invalid_api_key"}, 502, Retry.OTHER_KEY),
        ({"message": "no such model", "code": "model_not_found"}, 404, Retry.OTHER_TARGET),
        ({"message": "too long", "code": "context_length_exceeded"}, 400, Retry.NEVER),
        ({"message": "who knows"}, 502, Retry.OTHER_KEY),
    ],
)
@pytest.mark.parametrize("request_", [PLAIN, STREAM])
async def test_an_error_behind_a_200_counts_as_what_it_says(
    error: dict[str, Any], status: int, retry: Retry, request_: RelayRequest
) -> None:
    raised = await failed(FakeCall(orjson.dumps({"error": error}), headers=JSON_TYPE), request_)
    assert (raised.facts.status, raised.retry) == (status, retry)


async def test_an_answer_that_has_an_error_field_beside_its_answer_is_one() -> None:
    body = b'{"choices": [], "error": {"message": "partial"}}'
    assert (await plain(FakeCall(body, headers=JSON_TYPE))).body == body


@pytest.mark.parametrize("size_bytes", [MAX_HELD_BYTES - 1, MAX_HELD_BYTES, MAX_HELD_BYTES + 1])
async def test_a_large_answer_is_not_held_but_passed(size_bytes: int) -> None:
    body = b'"' + b"x" * (size_bytes - 2) + b'"'
    call, client = FakeCall(body[:99], body[99:], b"", headers=JSON_TYPE), FakeClient()
    answer = await opened(call)
    if isinstance(answer, PlainAnswer):
        assert (answer.body, size_bytes) == (body, MAX_HELD_BYTES - 1)
    else:
        assert not call.is_closed
        await delivered(answer, client)
        assert (client.body, client.end, call.is_closed) == (body, "finish", True)
        assert dict(client.headers) == JSON_TYPE


async def test_a_large_answer_that_breaks_is_broken_off() -> None:
    call = FakeCall(bytes(MAX_HELD_BYTES), b"more", faults.disconnected(), headers=JSON_TYPE)
    client = FakeClient()
    await delivered(stream_of(await opened(call)), client)
    assert (client.end, len(client.body), call.is_closed) == ("abort", MAX_HELD_BYTES + 4, True)


# Streams


async def test_a_stream_is_open_when_its_first_event_has_come() -> None:
    call = FakeCall(chunk("a"), HANG)
    answer = stream_of(await opened(call, STREAM))
    assert (answer.status, call.is_closed) == (200, False)


async def test_a_stream_goes_out_as_it_came() -> None:
    client = FakeClient()
    await delivered(stream_of(await opened(FakeCall(chunk("a"), chunk("b"), DONE), STREAM)), client)
    assert (client.body, client.end) == (chunk("a") + chunk("b") + DONE, "finish")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("text/event-stream", "text/event-stream"),
        ("Text/Event-Stream; charset=utf-8", "Text/Event-Stream; charset=utf-8"),
        ("text/plain", "text/event-stream"),
        ("", "text/event-stream"),
    ],
)
async def test_a_stream_has_the_headers_of_one(given: str, sent: str) -> None:
    call = FakeCall(chunk("a"), DONE, headers={"Content-Type": given, "Server": "x", "Cache-Control": "public"})
    answer = stream_of(await opened(call, STREAM))
    assert dict(answer.headers) == {"Content-Type": sent, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'


@pytest.mark.parametrize(("fields", "is_shown"), [({}, False), ({"stream_options": {"include_usage": True}}, True)])
async def test_usage_is_shown_to_who_asked_for_it(fields: dict[str, Any], is_shown: bool) -> None:
    client = FakeClient()
    call = FakeCall(chunk("a"), USAGE, DONE)
    await delivered(stream_of(await opened(call, asked(stream=True, **fields))), client)
    assert (USAGE in client.body) is is_shown


@pytest.mark.parametrize(("choices", "has_done"), [(1, True), (2, False)])
async def test_a_missing_end_is_added_when_all_the_choices_asked_for_are_finished(choices: int, has_done: bool) -> None:
    client = FakeClient()
    call = FakeCall(chunk("a", finish_reason="stop"))
    await delivered(stream_of(await opened(call, asked(stream=True, n=choices))), client)
    assert client.body.endswith(DONE) is has_done


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: FakeCall(), "empty_response"),
        (lambda: FakeCall(status=204, headers={}), "empty_response"),
        (lambda: FakeCall(DONE), "empty_response"),
        (lambda: FakeCall(ANSWER, headers=JSON_TYPE), "bad_upstream_event"),
        (lambda: FakeCall(ANSWER, headers={"Content-Type": "Application/JSON; charset=utf-8"}), "bad_upstream_event"),
        (lambda: FakeCall(b"<html></html>", headers={"Content-Type": "text/html"}), "bad_upstream_event"),
        (lambda: FakeCall(b"data: rubbish\n\n"), "bad_upstream_event"),
        (lambda: FakeCall(chunk("a")[:9], faults.disconnected()), "upstream_disconnected"),
        (lambda: FakeCall(b'data: {"error":{"code":"rate_limit_exceeded"}}\n\n'), "rate_limit_exceeded"),
    ],
)
async def test_a_stream_that_holds_no_answer_is_a_failure(call: Any, code: str) -> None:
    assert (await failed(call(), STREAM)).facts.code == code


# Refusals


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
@pytest.mark.parametrize("request_", [PLAIN, STREAM])
async def test_a_redirect_is_a_failure_and_its_body_is_not_read(status: int, request_: RelayRequest) -> None:
    call = FakeCall(b"moved", status=status, headers={"Location": "http://inner.host/secret"})
    error = await failed(call, request_)
    assert (error.facts.status, error.facts.code, list(call.left)) == (502, "upstream_redirect", [b"moved"])


@pytest.mark.parametrize(
    ("status", "told", "retry"),
    [
        (400, 400, Retry.NEVER),
        (401, 502, Retry.OTHER_KEY),
        (404, 404, Retry.OTHER_TARGET),
        (413, 413, Retry.NEVER),
        (429, 429, Retry.OTHER_KEY),
        (500, 500, Retry.OTHER_KEY),
        (503, 503, Retry.OTHER_KEY),
    ],
)
@pytest.mark.parametrize("request_", [PLAIN, STREAM])
async def test_a_refusal_is_judged_by_its_status(status: int, told: int, retry: Retry, request_: RelayRequest) -> None:
    error = await failed(FakeCall(b'{"error": {"message": "m"}}', status=status, headers=JSON_TYPE), request_)
    assert (error.facts.status, error.retry) == (told, retry)


async def test_a_refusal_of_the_request_itself_keeps_its_body() -> None:
    body = b'{"error":{"message":"bad field","param":"x","own":1}}'
    assert (await failed(FakeCall(body, status=400, headers=JSON_TYPE))).body == body


async def test_a_refusal_keeps_its_retry_after() -> None:
    error = await failed(FakeCall(b"{}", status=429, headers={"Retry-After": "7"}))
    assert error.facts.retry_after_s == 7


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"\xff\xfe", b"[]", b"null"])
async def test_a_refusal_needs_no_readable_body(body: bytes) -> None:
    error = await failed(FakeCall(body, status=502, headers={"Content-Type": "text/html"}))
    assert (error.facts.status, error.body) == (502, None)
    assert "html" not in error.facts.message


async def test_a_refusal_whose_body_breaks_off_is_still_one() -> None:
    assert (await failed(FakeCall(b'{"err', faults.disconnected(), status=429))).facts.status == 429


async def test_no_more_of_a_refusal_is_read_than_anybody_needs() -> None:
    call = FakeCall(*[bytes(MAX_ERROR_BYTES // 4)] * 6, status=500)
    await failed(call)
    assert len(call.left) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: FakeCall(b'{"error": {"message": "key sk-canary-0123456789 at http://inner.host/v1"}}', status=400),
        lambda: FakeCall(b'{"error": {"message": "key sk-canary-0123456789 at inner.host"}}', headers=JSON_TYPE),
    ],
)
async def test_no_secret_that_a_provider_quotes_gets_further(call: Any) -> None:
    error = await failed(call())
    told = f"{error!r} {error.facts} {error.body!r}"
    assert [word for word in ("sk-canary", "inner.host") if word in told] == []


# Who answered, and how long it took


async def test_an_answer_is_on_the_trail_with_the_id_that_the_provider_gave_it() -> None:
    trail = Trail()
    await opened(FakeCall(ANSWER, headers={**JSON_TYPE, "X-Request-Id": "theirs"}), trail=trail)
    target = Target("up", "upstream-model")
    assert (trail.target, trail.upstream_request_id) == (target, "theirs")
    assert trail.attempts == [AttemptRecord(target, "key-1", 200, None, 1000)]


async def test_a_refusal_is_on_the_trail_too() -> None:
    trail = Trail()
    with pytest.raises(UpstreamError):
        await opened(FakeCall(b"{}", status=429, headers={**JSON_TYPE, "X-Request-Id": "theirs"}), trail=trail)
    (attempt,) = trail.attempts
    assert (attempt.status, attempt.error, trail.upstream_request_id) == (429, "rate_limit_exceeded", "theirs")


async def test_the_id_of_an_answer_that_breaks_off_is_known() -> None:
    trail = Trail()
    breaking = FakeCall(ANSWER[:5], faults.disconnected(), headers={**JSON_TYPE, "X-Request-Id": "theirs"})
    with pytest.raises(UpstreamError):
        await opened(breaking, trail=trail)
    assert (trail.upstream_request_id, trail.attempts[0].status) == ("theirs", 502)


async def test_a_fault_of_the_relay_itself_is_no_success_of_the_attempt() -> None:
    trail = Trail()
    with pytest.raises(ZeroDivisionError):
        await trial(trail=trail).open(FakeTransport(ZeroDivisionError()))
    assert trail.attempts[0].status is None


async def test_an_id_of_an_earlier_attempt_is_forgotten() -> None:
    trail = Trail()
    for headers in ({**JSON_TYPE, "X-Request-Id": "theirs"}, JSON_TYPE):
        await opened(FakeCall(ANSWER, headers=headers), trail=trail)
    assert (len(trail.attempts), trail.upstream_request_id) == (2, None)


@pytest.mark.parametrize(
    ("call", "request_"), [(FakeCall(ANSWER, headers=JSON_TYPE), PLAIN), (FakeCall(chunk("a")), STREAM)]
)
async def test_the_wait_goes_from_the_send_to_the_commit_point(call: FakeCall, request_: RelayRequest) -> None:
    trail = Trail()
    await opened(call, request_, trail)
    assert trail.waited_s == 1


async def test_waits_add_up() -> None:
    trail = Trail()
    for _ in range(2):
        await opened(FakeCall(ANSWER, headers=JSON_TYPE), trail=trail)
    assert trail.waited_s == 2


# Cancellation


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        (lambda: FakeCall(HANG, headers=JSON_TYPE), PLAIN),
        (lambda: FakeCall(ANSWER[:5], HANG, headers=JSON_TYPE), PLAIN),
        (lambda: FakeCall(HANG), STREAM),
        (lambda: FakeCall(b": ping\n\n", HANG), STREAM),
        (lambda: FakeCall(b"{", HANG, status=500), PLAIN),
    ],
)
async def test_an_attempt_that_is_cancelled_closes_its_call(call: Any, request_: RelayRequest) -> None:
    waiting: FakeCall = call()
    opening = asyncio.ensure_future(opened(waiting, request_))
    await waiting.hangs.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert waiting.is_closed


async def test_an_attempt_may_be_cancelled_before_there_is_a_call() -> None:
    transport = FakeTransport(HANG)
    opening = asyncio.ensure_future(trial().open(transport))
    await transport.hangs.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


# The collector


@pytest.mark.parametrize(("size_bytes", "wants_more"), [(9, True), (10, False), (11, False)])
def test_a_collector_asks_for_a_pause_at_its_limit_and_keeps_all(size_bytes: int, wants_more: bool) -> None:
    collector = Collector(10)
    assert (collector.feed(b"x" * size_bytes), len(collector.body)) == (wants_more, size_bytes)
