"""The official SDKs and curl through a whole relay to the demo provider: typed answers must come out whole."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, RunningRelay

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SAYS = 'This is MonoRelay\'s demo model. You said: "Hello".'
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "", "parameters": WEATHER}}
RESPONSES_TOOL = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": False}
MESSAGES_TOOL = {"name": "weather", "input_schema": WEATHER}
USER: Any = [{"role": "user", "content": "Hello"}]


def openai_clients(relay: RunningRelay) -> Iterator[openai.OpenAI]:
    yield openai.OpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0)
    yield openai.OpenAI(
        base_url=relay.openai_url, api_key="another", max_retries=0, default_headers={"X-Access-Key": ACCESS_KEY}
    )


def anthropic_clients(relay: RunningRelay) -> Iterator[anthropic.Anthropic]:
    yield anthropic.Anthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0)
    yield anthropic.Anthropic(base_url=relay.url, auth_token=ACCESS_KEY, max_retries=0)
    yield anthropic.Anthropic(
        base_url=relay.url, api_key="another", max_retries=0, default_headers={"X-Access-Key": ACCESS_KEY}
    )


def chat_plain(client: openai.OpenAI) -> object:
    answer = client.chat.completions.create(model="demo", messages=USER)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    return answer.choices[0].message.content


def chat_streamed(client: openai.OpenAI) -> object:
    with client.chat.completions.create(model="demo", messages=USER, stream=True) as chunks:
        seen = list(chunks)
    assert all(chunk.choices for chunk in seen), "the usage chunk was not asked for"
    return "".join(chunk.choices[0].delta.content or "" for chunk in seen)


def chat_streamed_with_usage(client: openai.OpenAI) -> object:
    with client.chat.completions.create(
        model="demo", messages=USER, stream=True, stream_options={"include_usage": True}
    ) as chunks:
        seen = list(chunks)
    assert seen[-1].choices == []
    assert seen[-1].usage is not None
    return "".join(chunk.choices[0].delta.content or "" for chunk in seen[:-1])


def chat_with_an_image(client: openai.OpenAI) -> object:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content: Any = [{"type": "text", "text": "Hello"}, image]
    answer = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": content}])
    assert "1 image" in (answer.choices[0].message.content or "")
    return SAYS


def chat_with_a_tool(client: openai.OpenAI) -> object:
    tools: Any = [CHAT_TOOL]
    messages = list(USER)
    with client.chat.completions.stream(model="demo", messages=messages, tools=tools) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.function.name == "weather"
    messages += [message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = client.chat.completions.create(model="demo", messages=messages, tools=tools)
    assert "sunny" in (answer.choices[0].message.content or "")
    return SAYS


def responses_plain(client: openai.OpenAI) -> object:
    answer = client.responses.create(model="demo", input="Hello")
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    return answer.output_text


def responses_streamed(client: openai.OpenAI) -> object:
    with client.responses.stream(model="demo", input="Hello") as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == deltas
    return deltas


def responses_with_a_tool(client: openai.OpenAI) -> object:
    tools: Any = [RESPONSES_TOOL]
    with client.responses.stream(model="demo", input="Hello", tools=tools) as stream:
        (call,) = [item for item in stream.get_final_response().output if item.type == "function_call"]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    turns: Any = [*USER, call.to_dict(), result]
    assert "sunny" in client.responses.create(model="demo", input=turns, tools=tools).output_text
    return SAYS


def completions_plain_and_streamed(client: openai.OpenAI) -> object:
    plain = client.completions.create(model="demo", prompt="Hello").choices[0].text
    with client.completions.create(model="demo", prompt="Hello", stream=True) as chunks:
        assert "".join(chunk.choices[0].text for chunk in chunks) == plain
    return plain.strip()


def embeddings_and_moderations(client: openai.OpenAI) -> object:
    vectors = client.embeddings.create(model="demo", input=["a", "b"], dimensions=4).data
    assert [len(vector.embedding) for vector in vectors] == [4, 4]
    assert client.moderations.create(model="demo", input="Hello").results[0].flagged is False
    return SAYS


def messages_plain(client: anthropic.Anthropic) -> object:
    answer = client.messages.create(model="demo", max_tokens=100, messages=USER)
    assert answer.usage.input_tokens > 0
    assert answer._request_id is not None
    return answer.content[0].text if answer.content[0].type == "text" else None


def messages_streamed(client: anthropic.Anthropic) -> object:
    with client.messages.stream(model="demo", max_tokens=100, messages=USER) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason == "end_turn"
    return text


def messages_with_an_image(client: anthropic.Anthropic) -> object:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    content: Any = [image, {"type": "text", "text": "Hello"}]
    answer = client.messages.create(model="demo", max_tokens=100, messages=[{"role": "user", "content": content}])
    assert answer.content[0].type == "text"
    assert "1 image" in answer.content[0].text
    return SAYS


def messages_with_a_tool(client: anthropic.Anthropic) -> object:
    tools: Any = [MESSAGES_TOOL]
    with client.messages.stream(model="demo", max_tokens=100, messages=USER, tools=tools) as stream:
        message = stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert set(call.input) == {"city", "days"}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns: Any = [*USER, {"role": "assistant", "content": [call.to_dict()]}, {"role": "user", "content": [result]}]
    answer = client.messages.create(model="demo", max_tokens=100, messages=turns, tools=tools)
    assert answer.content[0].type == "text"
    assert "sunny" in answer.content[0].text
    return SAYS


def messages_counted(client: anthropic.Anthropic) -> object:
    assert client.messages.count_tokens(model="demo", messages=USER).input_tokens > 0
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").id == "demo"
    return SAYS


OPENAI = [
    chat_plain, chat_streamed, chat_streamed_with_usage, chat_with_an_image, chat_with_a_tool, responses_plain,
    responses_streamed, responses_with_a_tool, completions_plain_and_streamed, embeddings_and_moderations,
]  # fmt: skip
ANTHROPIC = [messages_plain, messages_streamed, messages_with_an_image, messages_with_a_tool, messages_counted]


@pytest.mark.parametrize("ask", OPENAI)
async def test_the_openai_sdk_gets_a_whole_answer(
    start_relay: StartRelay, ask: Callable[[openai.OpenAI], object]
) -> None:
    relay = await start_relay()
    for client in openai_clients(relay):
        with client:
            assert await asyncio.to_thread(ask, client) == SAYS


@pytest.mark.parametrize("ask", ANTHROPIC)
async def test_the_anthropic_sdk_gets_a_whole_answer(
    start_relay: StartRelay, ask: Callable[[anthropic.Anthropic], object]
) -> None:
    relay = await start_relay()
    for client in anthropic_clients(relay):
        with client:
            assert await asyncio.to_thread(ask, client) == SAYS


async def async_chat(client: openai.AsyncOpenAI) -> str:
    answer = await client.chat.completions.create(model="demo", messages=USER)
    async with await client.chat.completions.create(model="demo", messages=USER, stream=True) as chunks:
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
    assert answer.choices[0].message.content == text
    return text


async def async_responses(client: openai.AsyncOpenAI) -> str:
    answer = await client.responses.create(model="demo", input="Hello")
    async with client.responses.stream(model="demo", input="Hello") as stream:
        text = (await stream.get_final_response()).output_text
    assert answer.output_text == text
    return text


@pytest.mark.parametrize("ask", [async_chat, async_responses])
async def test_the_async_openai_sdk_gets_a_whole_answer(
    start_relay: StartRelay, ask: Callable[[openai.AsyncOpenAI], Awaitable[str]]
) -> None:
    relay = await start_relay()
    async with openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0) as client:
        assert await ask(client) == SAYS


async def test_the_async_anthropic_sdk_gets_a_whole_answer(start_relay: StartRelay) -> None:
    relay = await start_relay()
    async with anthropic.AsyncAnthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0) as client:
        answer = await client.messages.create(model="demo", max_tokens=100, messages=USER)
        async with client.messages.stream(model="demo", max_tokens=100, messages=USER) as stream:
            text = "".join([part async for part in stream.text_stream])
    assert answer.content[0].type == "text"
    assert answer.content[0].text == text == SAYS


async def test_a_wrong_key_is_the_sdks_authentication_error(start_relay: StartRelay) -> None:
    relay = await start_relay()
    async with openai.AsyncOpenAI(base_url=relay.openai_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="demo", messages=USER)
    async with anthropic.AsyncAnthropic(base_url=relay.url, api_key="wrong", max_retries=0) as claude:
        with pytest.raises(anthropic.AuthenticationError):
            await claude.messages.create(model="demo", max_tokens=1, messages=USER)


async def test_an_unknown_model_is_the_sdks_not_found_error(start_relay: StartRelay) -> None:
    relay = await start_relay()
    async with openai.AsyncOpenAI(base_url=relay.openai_url, api_key=ACCESS_KEY, max_retries=0) as client:
        with pytest.raises(openai.NotFoundError, match="nowhere"):
            await client.chat.completions.create(model="x@nowhere", messages=USER)
    async with anthropic.AsyncAnthropic(base_url=relay.url, api_key=ACCESS_KEY, max_retries=0) as claude:
        with pytest.raises(anthropic.NotFoundError, match="nowhere"):
            await claude.messages.create(model="x@nowhere", max_tokens=1, messages=USER)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "header", [f"Authorization: Bearer {ACCESS_KEY}", f"X-Access-Key: {ACCESS_KEY}", f"x-api-key: {ACCESS_KEY}"]
)
@pytest.mark.parametrize("stream", ["true", "false"])
async def test_curl_gets_a_whole_answer(start_relay: StartRelay, header: str, stream: str) -> None:
    relay = await start_relay()
    body = f'{{"model":"demo","stream":{stream},"messages":[{{"role":"user","content":"Hello"}}]}}'
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--fail", "-N", f"{relay.openai_url}/chat/completions", "-H", header, "-d", body,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.endswith(b"data: [DONE]\n\n" if stream == "true" else b"}")
