"""The official SDKs at a provider, directly and through a whole relay: the program sees the same, and so does it.

The provider is scripted: streams are the golden transcripts, plain answers are written below as the providers document
them, each with a field that no SDK knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import orjson
import pytest

from relay.model import Dialect
from tests.conftest import StartRelay, StartUpstream
from tests.formats.streams import Golden, goldens
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received, Script, ScriptedUpstream, answers, cut, streams

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
ASKED, SERVED = "asked-for", "served-as"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DATA_URL, URL = f"data:image/png;base64,{PIXEL}", "https://images.example.org/a.png?size=1&x=ü"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ARGUMENTS = '{"city": "Köln"}'

# What is asked

Params = dict[str, Any]
BARE: dict[Dialect, Params] = {
    CHAT: {"messages": [{"role": "user", "content": "Grüße 👋🏽"}]},
    RESPONSES: {"input": "Grüße 👋🏽"},
    MESSAGES: {"messages": [{"role": "user", "content": "Grüße 👋🏽"}], "max_tokens": 9},
}
CHAT_IMAGES = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}},
    {"type": "image_url", "image_url": {"url": URL}},
]
RESPONSES_IMAGES = [
    {"type": "input_text", "text": "What is this?"},
    {"type": "input_image", "image_url": DATA_URL, "detail": "low"},
    {"type": "input_image", "image_url": URL, "detail": "auto"},
]
MESSAGES_IMAGES = [
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
    {"type": "image", "source": {"type": "url", "url": URL}, "cache_control": {"type": "ephemeral"}},
    {"type": "text", "text": "What is this?"},
]
REQUESTS: dict[str, tuple[Dialect, Params]] = {
    "chat": (CHAT, BARE[CHAT]),
    "chat with options": (CHAT, {
        **BARE[CHAT], "temperature": 0.1, "max_completion_tokens": 9, "stop": ["\n\n"], "seed": 2**53 + 1,
        "logit_bias": {"50256": -100}, "user": "u", "extra_body": {"unknown": {"deep": [1, 1.5, None, True]}},
    }),
    "chat with images": (CHAT, {"messages": [{"role": "user", "content": CHAT_IMAGES}]}),
    "chat with tools": (CHAT, {
        "messages": [
            *BARE[CHAT]["messages"],
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": WEATHER, "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
    }),
    "responses": (RESPONSES, BARE[RESPONSES]),
    "responses with options": (RESPONSES, {
        **BARE[RESPONSES], "instructions": "Be brief.", "store": False, "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"], "extra_body": {"unknown": {"deep": [1, 1.5, None, True]}},
    }),
    "responses with images": (RESPONSES, {"input": [{"role": "user", "content": RESPONSES_IMAGES}]}),
    "responses with tools": (RESPONSES, {
        "input": [
            {"role": "user", "content": "Hello"},
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": ARGUMENTS},
            {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        ],
        "tools": [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}],
        "tool_choice": "required",
    }),
    "messages": (MESSAGES, BARE[MESSAGES]),
    "messages with options": (MESSAGES, {
        **BARE[MESSAGES], "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "stop_sequences": ["\n\n"], "metadata": {"user_id": "u"}, "thinking": {"type": "disabled"},
        "extra_body": {"unknown": {"deep": [1, 1.5, None, True]}},
    }),
    "messages with images": (MESSAGES, {"messages": [{"role": "user", "content": MESSAGES_IMAGES}], "max_tokens": 9}),
    "messages with tools": (MESSAGES, {
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": MESSAGES_IMAGES[:1], "is_error": False},
            ]},
        ],
        "max_tokens": 9,
        "tools": [{"name": "weather", "description": "", "input_schema": WEATHER}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    }),
}  # fmt: skip

# What is answered

CHAT_USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4},
}
CHAT_HEAD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1795392001,
    "model": "gpt-5-mini",
    "x_new": [1],
}
CHAT_TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
RESPONSE_HEAD = {
    "id": "resp_1", "object": "response", "created_at": 1795392100, "model": "gpt-5-mini", "status": "completed",
    "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
    "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [], "x_new": [1],
}  # fmt: skip
RESPONSE_USAGE = {
    "input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 14,
}  # fmt: skip
OUTPUT_TEXT = {"type": "output_text", "text": "Grüezi 世界", "annotations": [], "logprobs": []}
MESSAGE_HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "x_new": [1]}
MESSAGE_USAGE = {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 5, "service_tier": "standard"}
PLAIN: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "chat text": (CHAT, {**CHAT_HEAD, "usage": CHAT_USAGE, "choices": [
        {"index": number, "message": {"role": "assistant", "content": text, "refusal": None}, "logprobs": None,
         "finish_reason": "stop"}
        for number, text in enumerate(["Grüezi 世界", "Moin 👋🏽"])
    ]}),
    "chat tool": (CHAT, {**CHAT_HEAD, "usage": CHAT_USAGE, "choices": [
        {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [CHAT_TOOL_CALL]},
         "finish_reason": "tool_calls"},
    ]}),
    "responses text": (RESPONSES, {**RESPONSE_HEAD, "usage": RESPONSE_USAGE, "output": [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [OUTPUT_TEXT]},
    ]}),
    "responses tool": (RESPONSES, {**RESPONSE_HEAD, "usage": RESPONSE_USAGE, "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA=="},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": ARGUMENTS,
         "status": "completed"},
    ]}),
    "messages text": (MESSAGES, {
        **MESSAGE_HEAD, "usage": MESSAGE_USAGE, "stop_reason": "end_turn", "stop_sequence": None,
        "content": [{"type": "text", "text": "Grüezi 世界"}],
    }),
    "messages tool": (MESSAGES, {
        **MESSAGE_HEAD, "usage": MESSAGE_USAGE, "stop_reason": "tool_use", "stop_sequence": None,
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln"}},
        ],
    }),
}  # fmt: skip
WHOLE = [golden for golden in goldens() if golden.is_whole]
ORDINARY = [golden for golden in WHOLE if golden.name in ("text", "tool", "parallel-tools", "thinking")]


def golden_of(dialect: Dialect, name: str) -> Golden:
    (golden,) = [golden for golden in WHOLE if (golden.dialect, golden.name) == (dialect, name)]
    return golden


def in_pieces(golden: Golden) -> Script:
    """A stream that is cut without regard for its events, as networks do."""
    return streams(cut(golden.stream, range(0, len(golden.stream), 97)))


def answering(dialect: Dialect) -> Script:
    """A provider that streams where it is asked to."""
    plain = answers(200, orjson.dumps(PLAIN[f"{dialect} text"][1]))
    streamed = in_pieces(golden_of(dialect, "text"))

    async def script(request: Received, out: Out) -> None:
        await (streamed if orjson.loads(request.body).get("stream") else plain)(request, out)

    return script


# Who asks

CLIENTS: dict[tuple[str, bool], Callable[..., Any]] = {
    ("sync", True): anthropic.Anthropic,
    ("sync", False): openai.OpenAI,
    ("async", True): anthropic.AsyncAnthropic,
    ("async", False): openai.AsyncOpenAI,
}
CREATE: dict[Dialect, Callable[[Any], Callable[..., Any]]] = {
    CHAT: lambda client: client.chat.completions.create,
    RESPONSES: lambda client: client.responses.create,
    MESSAGES: lambda client: client.messages.create,
}
STREAM: dict[Dialect, Callable[[Any], Callable[..., Any]]] = {
    CHAT: lambda client: client.chat.completions.stream,
    RESPONSES: lambda client: client.responses.stream,
    MESSAGES: lambda client: client.messages.stream,
}
FINAL: dict[Dialect, Callable[[Any], Callable[[], Any]]] = {
    CHAT: lambda stream: stream.get_final_completion,
    RESPONSES: lambda stream: stream.get_final_response,
    MESSAGES: lambda stream: stream.get_final_message,
}


@dataclass(frozen=True)
class Program:
    """One that uses an SDK; `options` are its client's."""

    flavour: str
    dialect: Dialect
    root: str
    options: Params

    def client(self) -> Any:
        is_anthropics = self.dialect is MESSAGES
        base_url = self.root if is_anthropics else f"{self.root}/v1"
        return CLIENTS[self.flavour, is_anthropics](base_url=base_url, max_retries=0, **self.options)

    async def ask(self, **params: Any) -> Any:
        """The answer; of a stream, the list of its events."""
        params["model"] = ASKED
        if self.flavour == "sync":
            return await asyncio.to_thread(self._ask_sync, params)
        async with self.client() as client:
            answer = await CREATE[self.dialect](client)(**params)
            return [event async for event in answer] if params.get("stream") else answer

    def _ask_sync(self, params: Params) -> Any:
        with self.client() as client:
            answer = CREATE[self.dialect](client)(**params)
            return list(answer) if params.get("stream") else answer

    async def ask_helper(self, **params: Any) -> Any:
        """What the SDK's own stream helper makes of a stream: its events, and the final object."""
        params["model"] = ASKED
        if self.flavour == "sync":
            return await asyncio.to_thread(self._ask_helper_sync, params)
        async with self.client() as client, STREAM[self.dialect](client)(**params) as stream:
            events = [event async for event in stream]
            return events, await FINAL[self.dialect](stream)()

    def _ask_helper_sync(self, params: Params) -> Any:
        with self.client() as client, STREAM[self.dialect](client)(**params) as stream:
            return list(stream), FINAL[self.dialect](stream)()


@dataclass(frozen=True)
class Pair:
    """The same program twice: at the provider itself, and at a relay in front of it."""

    upstream: ScriptedUpstream
    direct: Program
    relayed: Program

    def bodies(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the provider was sent, once by each."""
        direct, relayed = (orjson.loads(request.body) for request in self.upstream.received)
        return direct, relayed


StartPair = Callable[[Dialect, Script], Awaitable[Pair]]


async def a_relay(start_relay: StartRelay, upstream: ScriptedUpstream, dialect: Dialect) -> RunningRelay:
    kind = "anthropic" if dialect is MESSAGES else "openai"
    return await start_relay(
        {"up": provider(upstream.url, kind=kind)}, model_routing={"aliases": {ASKED: f"{SERVED}@up"}}
    )


@pytest.fixture(params=["sync", "async"])
def start_pair(request: pytest.FixtureRequest, start_relay: StartRelay, start_upstream: StartUpstream) -> StartPair:
    """Starts a provider that follows a script, a relay, and a program for each: `await start_pair(dialect, script)`."""

    async def start(dialect: Dialect, script: Script) -> Pair:
        upstream = await start_upstream(script)
        relay = await a_relay(start_relay, upstream, dialect)
        direct = Program(request.param, dialect, upstream.url, {"api_key": "sk-of-the-program"})
        return Pair(upstream, direct, Program(request.param, dialect, relay.url, {"api_key": ACCESS_KEY}))

    return start


def but_for_what_the_relay_sets(body: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in body.items() if name not in ("model", "stream_options")}
    options = {name: value for name, value in body.get("stream_options", {}).items() if name != "include_usage"}
    return {**rest, "stream_options": options} if options else rest


# What the program sees


@pytest.mark.parametrize("name", PLAIN)
async def test_a_plain_answer_is_the_same_object(start_pair: StartPair, name: str) -> None:
    dialect, document = PLAIN[name]
    pair = await start_pair(dialect, answers(200, orjson.dumps(document)))
    direct, relayed = await pair.direct.ask(**BARE[dialect]), await pair.relayed.ask(**BARE[dialect])
    assert relayed == direct
    assert repr(relayed) == repr(direct)


@pytest.mark.parametrize("name", PLAIN)
async def test_a_plain_answer_comes_out_whole(start_pair: StartPair, name: str) -> None:
    dialect, document = PLAIN[name]
    pair = await start_pair(dialect, answers(200, orjson.dumps(document)))
    assert (await pair.relayed.ask(**BARE[dialect])).to_dict(mode="json") == document


@pytest.mark.parametrize("golden", WHOLE, ids=str)
async def test_a_stream_is_the_same_events(start_pair: StartPair, golden: Golden) -> None:
    params = {**BARE[golden.dialect], "stream": True}
    if golden.dialect is CHAT:
        params |= {"stream_options": {"include_usage": True}, "n": 2 if golden.name == "two-choices" else 1}
    pair = await start_pair(golden.dialect, in_pieces(golden))
    direct, relayed = await pair.direct.ask(**params), await pair.relayed.ask(**params)
    assert direct
    assert relayed == direct
    assert repr(relayed) == repr(direct)


@pytest.mark.parametrize("golden", ORDINARY, ids=str)
async def test_the_sdks_own_helper_puts_the_same_object_together(start_pair: StartPair, golden: Golden) -> None:
    pair = await start_pair(golden.dialect, in_pieces(golden))
    params = BARE[golden.dialect]
    direct, relayed = await pair.direct.ask_helper(**params), await pair.relayed.ask_helper(**params)
    assert relayed == direct
    assert repr(relayed) == repr(direct)


async def test_a_usage_chunk_that_was_not_asked_for_is_all_that_is_missing(start_pair: StartPair) -> None:
    pair = await start_pair(CHAT, in_pieces(golden_of(CHAT, "usage-chunk")))
    direct, relayed = (
        await pair.direct.ask(**BARE[CHAT], stream=True),
        await pair.relayed.ask(**BARE[CHAT], stream=True),
    )
    assert direct[-1].usage is not None
    assert relayed == direct[:-1]


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_refusal_of_the_provider_is_the_same_exception(start_pair: StartPair, dialect: Dialect) -> None:
    error = {"type": "invalid_request_error", "message": "Too hot.", "param": "temperature", "code": None}
    pair = await start_pair(dialect, answers(400, orjson.dumps({"type": "error", "error": error})))
    direct, relayed = await refusal_of(pair.direct), await refusal_of(pair.relayed)
    assert relayed == direct


async def refusal_of(program: Program) -> tuple[str, object]:
    """The text and the body of the exception."""
    try:
        await program.ask(**BARE[program.dialect])
    except (openai.BadRequestError, anthropic.BadRequestError) as error:
        return str(error), error.body
    raise AssertionError("the SDK raised nothing")


# What the provider sees


@pytest.mark.parametrize("stream", [{}, {"stream": True}], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", REQUESTS)
async def test_the_provider_is_sent_the_same_body_under_its_own_name_of_the_model(
    start_pair: StartPair, name: str, stream: Params
) -> None:
    dialect, params = REQUESTS[name]
    pair = await start_pair(dialect, answering(dialect))
    assert await pair.direct.ask(**params, **stream) == await pair.relayed.ask(**params, **stream)
    direct, relayed = pair.bodies()
    assert (direct["model"], relayed["model"]) == (ASKED, SERVED)
    assert but_for_what_the_relay_sets(relayed) == but_for_what_the_relay_sets(direct)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": {"include_usage": False}}, {"include_usage": True}),
        ({"stream_options": {"include_usage": True}}, {"include_usage": True}),
        ({"stream_options": {"include_obfuscation": False}}, {"include_usage": True, "include_obfuscation": False}),
    ],
)
async def test_of_a_chats_stream_options_only_the_usage_is_set(
    start_pair: StartPair, options: Params, sent: Params
) -> None:
    pair = await start_pair(CHAT, answering(CHAT))
    await pair.relayed.ask(**BARE[CHAT], stream=True, **options)
    assert orjson.loads(pair.upstream.received[0].body)["stream_options"] == sent


# Credentials

UNUSED = "sk-that-opens-nothing"
BY_ACCESS_KEY = {"X-Access-Key": ACCESS_KEY}
BY_API_KEY = {"api-key": ACCESS_KEY}
ALONE = {"extra_headers": {"Authorization": openai.Omit()}}
OPENAI: dict[str, tuple[Params, Params]] = {
    "Authorization": ({"api_key": ACCESS_KEY}, {}),
    "X-Access-Key": ({"api_key": UNUSED, "default_headers": BY_ACCESS_KEY}, {}),
    "api-key": ({"api_key": UNUSED, "default_headers": BY_API_KEY}, ALONE),
    "api-key and Authorization": ({"api_key": ACCESS_KEY, "default_headers": BY_API_KEY}, {}),
}
ANTHROPIC: dict[str, tuple[Params, Params]] = {
    "x-api-key": ({"api_key": ACCESS_KEY}, {}),
    "Authorization": ({"auth_token": ACCESS_KEY}, {}),
    "X-Access-Key": ({"api_key": UNUSED, "default_headers": BY_ACCESS_KEY}, {}),
    "X-Access-Key beside a token": ({"auth_token": UNUSED, "default_headers": BY_ACCESS_KEY}, {}),
}
"""By the header that decides: what the client is made with, and what each call is."""
CREDENTIALS = {
    f"{dialect}-{name}": (dialect, *given)
    for dialect, all_given in ((CHAT, OPENAI), (RESPONSES, OPENAI), (MESSAGES, ANTHROPIC))
    for name, given in all_given.items()
}
CARRIES = {"authorization", "x-api-key", "api-key", "x-access-key"}


@pytest.mark.parametrize("flavour", ["sync", "async"])
@pytest.mark.parametrize("stream", [{}, {"stream": True}], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", CREDENTIALS)
async def test_a_program_may_give_its_key_in_this_way_and_the_provider_sees_only_its_own(
    start_relay: StartRelay, start_upstream: StartUpstream, flavour: str, stream: Params, name: str
) -> None:
    dialect, options, params = CREDENTIALS[name]
    upstream = await start_upstream(answering(dialect))
    relay = await a_relay(start_relay, upstream, dialect)
    assert await Program(flavour, dialect, relay.url, options).ask(**BARE[dialect], **stream, **params)
    (received,) = upstream.received
    carried = [(header.lower(), value) for header, value in received.headers if header.lower() in CARRIES]
    own = ("x-api-key", f"{UPSTREAM_KEY}-1") if dialect is MESSAGES else ("authorization", f"Bearer {UPSTREAM_KEY}-1")
    assert carried == [own]
    assert [key for key in (ACCESS_KEY, UNUSED) if key in repr(received)] == []


async def test_azures_own_client_finds_responses_at_the_relay(
    start_relay: StartRelay, start_upstream: StartUpstream
) -> None:
    """It sends `api-key` without an Authorization, and the API's version in the query."""
    upstream = await start_upstream(answering(RESPONSES))
    relay = await a_relay(start_relay, upstream, RESPONSES)
    async with openai.AsyncAzureOpenAI(
        base_url=relay.openai_url, api_key=ACCESS_KEY, api_version="2026-08-01", max_retries=0
    ) as client:
        answer = await client.responses.create(model=ASKED, input="Hello")
    assert answer.output_text == "Grüezi 世界"
    assert [request.target for request in upstream.received] == ["/v1/responses?api-version=2026-08-01"]
