"""Trying a provider, against upstreams that are right and wrong in every way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import faults
from relay.core.means import Clocks
from relay.core.provider_report import NOT_TRIED, Check, ProviderReport
from relay.core.provider_test import examine
from relay.errors import UpstreamError
from relay.upstream.demo import DemoTransport
from relay.upstream.transport import Transport
from tests.conftest import StartRelay, StartUpstream
from tests.core.fakes import NOW, FakeCall, FakeTransport, Ticking, fake_clocks, providers_of
from tests.support.running import ACCESS_KEY
from tests.support.scripted import Out, Received, Script, answers, streams
from tests.support.transports import direct_transport

KEY = "sk-canary-0123456789"
GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = b'{"object": "list", "data": [{"id": "embed-1"}, {"id": "chat-1"}]}'
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "chat-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "note", "arguments": '{"text":"hello"}'}}
CHAT_TOOL = {
    **CHAT,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "tool_calls": [TOOL_CALL]}, "finish_reason": "tool_calls"}
    ],
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "incomplete",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hel"}]}],
}
RESPONSE_TOOL = {**RESPONSE, "output": [{"type": "function_call", "call_id": "c", "name": "note", "arguments": "{}"}]}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "hello"}]}
MESSAGE_TOOL = {**MESSAGE, "content": [{"type": "tool_use", "id": "t", "name": "note", "input": {"text": "hello"}}]}
ALL_CALLS = {f"{dialect} {name}": "pass" for dialect in ("chat", "responses", "messages") for name in
             ("call", "stream", "tools")}  # fmt: skip


def said(answer: Mapping[str, Any]) -> Script:
    return answers(200, orjson.dumps(answer))


def told(dialect: str) -> Script:
    """A stream as the provider of this dialect sends it."""
    return streams([(GOLDEN / dialect / "text.sse").read_bytes()])


def refused(status: int, message: str = "", **more: Any) -> Script:
    return answers(status, orjson.dumps({"error": {"message": message, **more}}))


class Server:
    """An upstream that is right but for what it is told to be wrong in: `chat stream=...`."""

    def __init__(self, **wrong: Script) -> None:
        self._scripts: dict[str, Script] = {
            "models": answers(200, MODELS),
            "chat_call": said(CHAT),
            "chat_stream": told("chat"),
            "chat_tools": said(CHAT_TOOL),
            "responses_call": said(RESPONSE),
            "responses_stream": told("responses"),
            "responses_tools": said(RESPONSE_TOOL),
            "messages_call": said(MESSAGE),
            "messages_stream": told("messages"),
            "messages_tools": said(MESSAGE_TOOL),
            **wrong,
        }

    async def __call__(self, request: Received, out: Out) -> None:
        await self._scripts[_asked(request)](request, out)


def _asked(request: Received) -> str:
    path = request.target.partition("?")[0]
    if path == "/v1/models":
        return "models"
    dialect = {"/v1/chat/completions": "chat", "/v1/responses": "responses", "/v1/messages": "messages"}[path]
    body = orjson.loads(request.body)
    return f"{dialect}_{'tools' if 'tools' in body else 'stream' if body.get('stream') else 'call'}"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with direct_transport() as made:
        yield made


async def tried(transport: Transport, url: str, more: str = "dialects: [chat]", model: str = "") -> ProviderReport:
    """The report on a provider with one key."""
    block = f"base_url: '{url}/v1', keys: [{{key: {KEY}, label: main}}], {more}"
    return await examine(providers_of(f"providers: {{up: {{{block}}}}}")["up"], transport, fake_clocks(), model=model)


def verdicts(report: ProviderReport) -> dict[str, str]:
    return {named(check): check.verdict.value for check in report.checks}


def messages(report: ProviderReport) -> dict[str, str]:
    return {named(check): check.message for check in report.checks}


def named(check: Check) -> str:
    return check.name if check.dialect is None else f"{check.dialect} {check.name}"


async def test_a_provider_that_is_right_passes_in_each_dialect(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(Server())
    report = await tried(transport, upstream.url, "dialects: [chat, responses, messages]")
    assert verdicts(report) == {"connect": "pass", "models": "pass", **ALL_CALLS}
    assert (report.provider, report.model, report.has_failed) == ("up", "chat-1", False)
    assert messages(report)["models"] == "2 listed"
    assert messages(report)["chat call"] == "model chat-1"
    assert all(check.duration_ms > 0 for check in report.checks)
    assert [request.header("Authorization") for request in upstream.received] == [f"Bearer {KEY}"] * 10
    bodies = [orjson.loads(request.body) for request in upstream.received[1:]]
    assert {body["model"] for body in bodies} == {"chat-1"}


async def test_anthropic_is_asked_in_its_own_way(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(Server())
    report = await tried(transport, upstream.url, "provider_type: anthropic")
    assert (report.has_failed, len(report.checks)) == (False, 5)
    listed, *calls = upstream.received
    assert (listed.method, listed.target) == ("GET", "/v1/models?limit=1000")
    assert [call.target for call in calls] == ["/v1/messages"] * 3
    assert {call.header("anthropic-version") for call in upstream.received} == {"2023-06-01"}
    assert {call.header("x-api-key") for call in upstream.received} == {KEY}


async def test_the_demo_provider_passes_but_for_its_list() -> None:
    report = await examine(providers_of("{}")["demo"], DemoTransport(lambda: 0.0), fake_clocks())
    assert verdicts(report) == {"connect": "pass", "models": "unsupported", **ALL_CALLS}


async def test_another_relay_passes_in_everything(transport: Transport, start_relay: StartRelay) -> None:
    relay = await start_relay()
    block = f"base_url: '{relay.openai_url}', keys: [{{key: {ACCESS_KEY}}}], dialects: [chat, responses, messages]"
    provider = providers_of(f"providers: {{up: {{{block}}}}}")["up"]
    report = await examine(provider, transport, fake_clocks())
    assert verdicts(report) == {"connect": "pass", "models": "pass", **ALL_CALLS}
    assert report.model == "demo"


async def test_who_listens_hears_of_each_check_in_turn(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(Server())
    heard: list[tuple[str, int]] = []
    provider = providers_of(f"providers: {{up: {{base_url: '{upstream.url}/v1', dialects: [chat]}}}}")["up"]
    report = await examine(
        provider, transport, fake_clocks(), tell=lambda check: heard.append((check.name, len(upstream.received)))
    )
    assert heard == [("connect", 1), ("models", 1), ("call", 2), ("stream", 3), ("tools", 4)]
    assert len(report.checks) == 5


async def test_times_are_told_in_milliseconds() -> None:
    clocks = Clocks(lambda: NOW, Ticking(), lambda: 0.0, fake_clocks().sleep)
    report = await examine(providers_of("{}")["demo"], DemoTransport(lambda: 0.0), clocks)
    assert [check.duration_ms for check in report.checks] == [1000, 3000, *[1000] * 9]


@pytest.mark.parametrize("status", [401, 402, 429])
async def test_after_a_key_that_is_refused_nothing_more_is_asked(
    transport: Transport, start_upstream: StartUpstream, status: int
) -> None:
    upstream = await start_upstream(refused(status, f"no {KEY}", code="invalid_api_key"))
    report = await tried(transport, upstream.url, "test_model: m")
    assert verdicts(report) == {
        "connect": "pass", "models": "fail", "chat call": "fail", "chat stream": "fail", "chat tools": "fail",
        "responses call": "fail", "responses stream": "fail", "responses tools": "fail",
    }  # fmt: skip
    assert len(upstream.received) == 2
    assert list(messages(report).values())[3:] == [NOT_TRIED] * 5
    assert report.has_failed


async def test_a_refused_key_is_told_with_what_to_do(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(refused(401, f"Incorrect API key: {KEY}"))
    report = await tried(transport, upstream.url, "test_model: m")
    assert messages(report)["chat call"] == "The provider refused the key: check it, and what it may be used for."


async def test_a_key_that_may_not_list_may_be_good_for_calls(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(Server(models=refused(403, "Missing scopes: api.model.read")))
    report = await tried(transport, upstream.url, "dialects: [chat], test_model: m")
    assert [check.verdict for check in report.checks] == ["pass", "fail", "pass", "pass", "pass"]
    assert messages(report)["models"] == "Missing scopes: api.model.read"


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_provider_without_a_list_is_called_by_a_name_of_the_configuration(
    transport: Transport, start_upstream: StartUpstream, status: int
) -> None:
    upstream = await start_upstream(Server(models=answers(status, b"404 page not found")))
    report = await tried(transport, upstream.url, "dialects: [chat], models: {include: [mine]}")
    assert verdicts(report)["models"] == "unsupported"
    assert "models.include" in messages(report)["models"]
    assert (report.model, report.has_failed) == ("mine", False)


async def test_without_any_name_no_call_is_made(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(Server(models=answers(200, b'{"data": [{"id": "embed-1"}]}')))
    report = await tried(transport, upstream.url)
    assert (report.model, len(upstream.received)) == (None, 1)
    assert "--model" in messages(report)["chat call"]
    assert report.has_failed


async def test_the_model_may_be_chosen(transport: Transport, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(Server())
    report = await tried(transport, upstream.url, "dialects: [chat], test_model: mine", model="yours")
    assert report.model == "yours"
    assert {orjson.loads(request.body)["model"] for request in upstream.received[1:]} == {"yours"}


async def test_a_dialect_that_is_not_there_is_unsupported_with_what_to_do(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    upstream = await start_upstream(Server(responses_call=answers(404, b'{"detail": "Not Found"}')))
    report = await tried(transport, upstream.url, "")
    found = verdicts(report)
    assert (found["chat call"], found["responses call"], found["responses stream"]) == (
        "pass",
        "unsupported",
        "unsupported",
    )
    assert messages(report)["responses call"] == "It has no /responses: leave responses out of the provider's dialects."
    assert not report.has_failed


async def test_a_model_that_is_not_there_is_a_failure(transport: Transport, start_upstream: StartUpstream) -> None:
    missing = refused(404, "The model `Chat-1` does not exist.", code="model_not_found")
    upstream = await start_upstream(Server(chat_call=missing))
    report = await tried(transport, upstream.url)
    assert verdicts(report)["chat call"] == "fail"
    assert messages(report)["chat call"].startswith("The model `Chat-1` does not exist. Name another model")


async def test_a_model_that_wants_its_tokens_bounded_in_another_way_is_asked_so(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    """As OpenAI's reasoning models do."""
    server = Server()

    async def picky(request: Received, out: Out) -> None:
        if b'"max_tokens"' in request.body:
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            await refused(400, words, param="max_tokens", code="unsupported_parameter")(request, out)
            return
        await server(request, out)

    upstream = await start_upstream(picky)
    report = await tried(transport, upstream.url)
    assert not report.has_failed
    keys = [{"max_tokens", "max_completion_tokens"} & set(orjson.loads(one.body)) for one in upstream.received[1:]]
    assert keys == [{"max_tokens"}, *[{"max_completion_tokens"}] * 3]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (refused(400, "Invalid model: chat-1"), "Invalid model: chat-1"),
        (refused(403, "Not in your region"), "Not in your region"),
        (refused(500, "out of memory"), "out of memory"),
        (answers(503, b""), "status 503"),
        (answers(200, b"<html>Welcome</html>", [("Content-Type", "text/html")]), "Is base_url right?"),
        (answers(200, b'{"status": "ok"}'), "Is base_url right?"),
        (answers(200, b"[]"), "Is base_url right?"),
        (answers(200, b""), "The provider's answer was empty."),
        (refused(200, "quota is gone", type="server_error"), "quota is gone"),
        (answers(302, b"", [("Location", "https://elsewhere.example")]), "into base_url"),
    ],
)
async def test_a_call_that_fails_says_why(
    transport: Transport, start_upstream: StartUpstream, script: Script, words: str
) -> None:
    upstream = await start_upstream(Server(chat_call=script))
    report = await tried(transport, upstream.url)
    assert verdicts(report) == {
        "connect": "pass", "models": "pass", "chat call": "fail", "chat stream": "fail", "chat tools": "fail"
    }  # fmt: skip
    assert words in messages(report)["chat call"]
    assert messages(report)["chat stream"] == NOT_TRIED


BROKEN = b'data: {"choices": [{"delta": {"content": "h"}}]}\n\ndata: {"error": {"message": "gpu on fire"}}\n\n'


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        (said(CHAT), "unsupported", "in one piece"),
        (refused(400, "streaming is not for you"), "unsupported", "streaming is not for you"),
        (refused(422, "unexpected field: stream"), "unsupported", "unexpected field: stream"),
        (refused(500, "boom"), "fail", "boom"),
        (streams([BROKEN]), "fail", "gpu on fire"),
        (streams([BROKEN[:50]]), "fail", "before it was complete"),
        (streams([]), "fail", "empty"),
        (streams([b": ping\n\n"]), "fail", "empty"),
        (answers(200, b"<html>", [("Content-Type", "text/html")]), "fail", "could not be understood"),
        (answers(200, b'{"error": {"message": "busy"}}'), "fail", "busy"),
    ],
)
async def test_a_stream_is_one_to_its_end(
    transport: Transport, start_upstream: StartUpstream, script: Script, verdict: str, words: str
) -> None:
    upstream = await start_upstream(Server(chat_stream=script))
    report = await tried(transport, upstream.url)
    assert (verdicts(report)["chat call"], verdicts(report)["chat stream"]) == ("pass", verdict)
    assert words in messages(report)["chat stream"]
    assert verdicts(report)["chat tools"] == "pass"


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        (said(CHAT), "unsupported", "Model chat-1 answers without calling the tool"),
        (
            refused(400, '"auto" tool choice requires --enable-auto-tool-choice'),
            "unsupported",
            "--enable-auto-tool-choice",
        ),
        (refused(404, "No endpoints found that support tool use"), "unsupported", "support tool use"),
        (refused(500, "boom"), "fail", "boom"),
        (answers(200, b"oops"), "fail", "could not be understood"),
    ],
)
async def test_tools_are_called_or_not_supported(
    transport: Transport, start_upstream: StartUpstream, script: Script, verdict: str, words: str
) -> None:
    upstream = await start_upstream(Server(chat_tools=script))
    report = await tried(transport, upstream.url)
    assert verdicts(report)["chat tools"] == verdict
    assert words in messages(report)["chat tools"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (faults.unreachable(), ["fail", "fail"]),
        (faults.connect_timeout(), ["fail", "fail"]),
        (faults.first_byte_timeout(), ["pass", "fail"]),
        (faults.closed_before_head(), ["pass", "fail"]),
        (faults.protocol(), ["pass", "fail"]),
    ],
)
async def test_a_server_is_there_or_not(error: UpstreamError, expected: Sequence[str]) -> None:
    transport = FakeTransport(*[error] * 2)
    report = await tried(transport, "http://up.invalid", "dialects: [chat], test_model: m")
    assert [check.verdict for check in report.checks[:2]] == expected
    assert len(transport.requests) == (1 if expected[0] == "fail" else 2)
    assert [check.verdict for check in report.checks[2:]] == ["fail"] * 3


async def test_a_server_that_hangs_is_given_up_in_each_call_by_deadlines_of_its_own() -> None:
    transport = FakeTransport(*[faults.first_byte_timeout()] * 2)
    await tried(transport, "http://up.invalid", "dialects: [chat], test_model: m, timeout: {connect: 5, total: 20}")
    for request in transport.requests:
        deadlines = request.deadlines
        assert (deadlines.connect_s, deadlines.first_byte_s, deadlines.idle_s, deadlines.total_s) == (5, 30, 30, 20)


async def test_a_server_that_stops_in_the_middle_is_given_up(
    transport: Transport, start_upstream: StartUpstream
) -> None:
    async def stalls(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Length", "100")])
        await out.raw(b'{"choices":')
        await out.peer_left()

    upstream = await start_upstream(Server(chat_call=stalls))
    report = await tried(transport, upstream.url, "dialects: [chat], timeout: {idle: 50ms, first_byte: 5, total: 10}")
    assert verdicts(report)["chat call"] == "fail"
    assert "stopped sending" in messages(report)["chat call"]


async def test_nothing_is_asked_where_no_key_may_be_used() -> None:
    transport = FakeTransport()
    provider = providers_of(
        f"providers: {{up: {{base_url: 'http://up.invalid', keys: [{{key: {KEY}, enabled: false}}]}}}}"
    )["up"]
    report = await examine(provider, transport, fake_clocks())
    assert verdicts(report) == {"connect": "fail"}
    assert "Enable a key" in messages(report)["connect"]


@pytest.mark.parametrize("place", ["models", "chat_call", "chat_stream", "chat_tools"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
async def test_no_secret_and_no_control_sign_is_told(
    transport: Transport, start_upstream: StartUpstream, caplog: pytest.LogCaptureFixture, place: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"{KEY} \x1b[2J\n at https://user:{KEY}@host " + "x" * 280 + KEY
    script: Callable[[Received, Out], Any] = refused(status, words, code=KEY, type=KEY, param=KEY)
    upstream = await start_upstream(Server(**{place: script}))
    report = await tried(transport, upstream.url, "dialects: [chat], test_model: m")
    shown = repr(report)
    assert "sk-canary" not in shown + caplog.text
    assert all(check.message.isprintable() for check in report.checks)


async def test_a_broken_stream_tells_no_secret(transport: Transport, start_upstream: StartUpstream) -> None:
    event = orjson.dumps({"error": {"message": f"bad key {KEY}"}})
    begun = b'data: {"choices": [{"delta": {"content": "h"}}]}\n\n'
    for pieces in ([b"data: " + event + b"\n\n"], [begun, b"data: " + event + b"\n\n"]):
        upstream = await start_upstream(Server(chat_stream=streams(pieces)))
        report = await tried(transport, upstream.url)
        assert messages(report)["chat stream"] == "bad key ***"


bodies = st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "data", "id", "choices", "output", "content", "detail"]), inner
        )
    ),
).map(lambda document: json.dumps(document).encode())
kinds = st.sampled_from(["application/json", "text/event-stream", "text/html", ""])
framed = bodies.map(lambda body: b"data: " + body + b"\n\n")


@given(
    st.lists(st.tuples(st.sampled_from([200, 204, 302, 400, 404, 401, 500, 599]), kinds, bodies | framed), min_size=12)
)
def test_whatever_a_provider_answers_there_is_a_report(given_answers: list[tuple[int, str, bytes]]) -> None:
    calls = [FakeCall(body, status=status, headers={"Content-Type": kind}) for status, kind, body in given_answers]
    block = "base_url: 'http://up.invalid', dialects: [chat, messages], test_model: m"
    provider = providers_of(f"providers: {{up: {{{block}}}}}")["up"]
    transport = FakeTransport(*calls)
    report = asyncio.run(examine(provider, transport, fake_clocks()))
    assert [named(check) for check in report.checks] == [
        "connect", "models", "chat call", "chat stream", "chat tools",
        "messages call", "messages stream", "messages tools",
    ]  # fmt: skip
    used = len(transport.requests)
    assert [call.is_closed for call in calls] == [True] * used + [False] * (len(calls) - used)
