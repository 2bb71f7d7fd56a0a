from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from tests.upstream.demo.calls import HELLO, USER_SAYS_HELLO, WEATHER_SCHEMA, send

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": WEATHER_SCHEMA}}
PATH = "/v1/chat/completions"


class City(BaseModel):
    name: str
    people: int
    twin: City | None


async def test_a_plain_answer_is_whole(openai_sdk: AsyncOpenAI) -> None:
    completion = await openai_sdk.chat.completions.create(
        model="demo", messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]
    )
    choice = completion.choices[0]
    assert (choice.message.content, choice.finish_reason) == (HELLO, "stop")
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


async def test_a_stream_gives_the_plain_answer_and_its_usage(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.chat.completions.stream(
        model="demo",
        messages=[{"role": "user", "content": "Hello there"}],
        stream_options={"include_usage": True},
    ) as stream:
        streamed = await stream.get_final_completion()
    plain = await openai_sdk.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": "Hello there"}]
    )
    assert streamed.choices[0].message.content == plain.choices[0].message.content
    assert streamed.choices[0].finish_reason == "stop"
    assert streamed.usage == plain.usage


async def test_a_plain_answer_calls_a_tool(openai_sdk: AsyncOpenAI) -> None:
    completion = await openai_sdk.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"type": "function", "function": {"name": "weather", "parameters": WEATHER_SCHEMA}}],
    )
    choice = completion.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert choice.message.tool_calls is not None
    call = choice.message.tool_calls[0]
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.id.startswith("call_")
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"demo","unit":"C"}')


async def test_a_stream_calls_a_tool(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.chat.completions.stream(
        model="demo",
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"type": "function", "function": {"name": "weather", "parameters": WEATHER_SCHEMA}}],
    ) as stream:
        completion = await stream.get_final_completion()
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert choice.message.tool_calls[0].function.arguments == '{"city":"demo","unit":"C"}'


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_class_is_parsed(openai_sdk: AsyncOpenAI, *, streamed: bool) -> None:
    request: dict[str, Any] = {"model": "demo", "messages": USER_SAYS_HELLO, "response_format": City}
    if streamed:
        async with openai_sdk.chat.completions.stream(**request) as stream:
            parsed: object = (await stream.get_final_completion()).choices[0].message.parsed
    else:
        parsed = (await openai_sdk.chat.completions.parse(**request)).choices[0].message.parsed
    assert parsed == City(name="demo", people=1, twin=City(name="demo", people=1, twin=None))


async def test_an_sdk_reads_the_refusal(openai_sdk: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        await openai_sdk.chat.completions.create(model="demo", messages=[])
    assert caught.value.param == "messages"
    assert caught.value.request_id is not None


async def test_the_first_chunk_has_the_role_and_the_last_the_reason() -> None:
    answered = await send(PATH, {"messages": USER_SAYS_HELLO, "stream": True})
    choices = [event["choices"][0] for event in answered.events]
    assert choices[0]["delta"]["role"] == "assistant"
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    assert len(choices) > 5
    assert answered.pieces[-1] == b"data: [DONE]\n\n"


async def test_all_chunks_have_one_id_and_time() -> None:
    events = (await send(PATH, {"messages": USER_SAYS_HELLO, "stream": True})).events
    assert len({(event["id"], event["created"], event["model"]) for event in events}) == 1


async def test_without_include_usage_no_chunk_mentions_it() -> None:
    answered = await send(PATH, {"messages": USER_SAYS_HELLO, "stream": True})
    assert b'"usage"' not in answered.body


async def test_with_include_usage_the_last_chunk_has_no_choices_and_the_others_null() -> None:
    body = {"messages": USER_SAYS_HELLO, "stream": True, "stream_options": {"include_usage": True}}
    *others, last = (await send(PATH, body)).events
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 14
    assert all(event["usage"] is None for event in others)


async def test_arguments_are_streamed_in_several_fragments_and_named_once() -> None:
    events = (await send(PATH, {"messages": USER_SAYS_HELLO, "tools": [WEATHER], "stream": True})).events
    calls = [call for event in events for call in event["choices"][0]["delta"].get("tool_calls", [])]
    assert len(calls) > 3
    assert [set(call) for call in calls[1:]] == [{"index", "function"}] * (len(calls) - 1)
    assert all(set(call["function"]) == {"arguments"} for call in calls[1:])


@pytest.mark.parametrize("role", ["tool", "function"])
async def test_after_a_tool_result_no_tool_is_called(role: str) -> None:
    messages = [*USER_SAYS_HELLO, {"role": role, "tool_call_id": "call_1", "content": "20 degrees"}]
    answered = await send(PATH, {"messages": messages, "tools": [WEATHER]})
    assert answered.json["choices"][0]["message"]["content"] == 'The tool said: "20 degrees".'


async def test_tools_of_other_types_are_not_called() -> None:
    tools = [{"type": "custom", "custom": {"name": "c"}}]
    answered = await send(PATH, {"messages": USER_SAYS_HELLO, "tools": tools})
    assert answered.json["choices"][0]["message"]["content"] == HELLO


async def test_images_are_seen() -> None:
    content = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    answered = await send(PATH, {"messages": [{"role": "user", "content": content}]})
    assert answered.json["choices"][0]["message"]["content"].endswith("I see 1 image.")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_cuts_the_answer(field: str) -> None:
    choice = (await send(PATH, {"messages": USER_SAYS_HELLO, field: 3})).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("This is", "length")


async def test_a_stop_sequence_ends_the_answer() -> None:
    choice = (await send(PATH, {"messages": USER_SAYS_HELLO, "stop": [" demo"]})).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("This is MonoRelay's", "stop")


async def test_several_choices_share_the_prompt() -> None:
    one, three = [(await send(PATH, {"messages": USER_SAYS_HELLO, "n": n})).json for n in (1, 3)]
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_of_several_choices_have_ids_of_their_own(*, stream: bool) -> None:
    body = {"messages": USER_SAYS_HELLO, "tools": [WEATHER], "n": 2, "stream": stream}
    answered = await send(PATH, body)
    documents = answered.events if stream else [answered.json]
    choices = [choice for document in documents for choice in document["choices"]]
    said = [choice.get("message") or choice["delta"] for choice in choices]
    assert len({call["id"] for part in said for call in part.get("tool_calls", []) if "id" in call}) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "king", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": USER_SAYS_HELLO, "n": 9}, "n"),
        ({"messages": USER_SAYS_HELLO, "max_tokens": 0}, "max_tokens"),
        ({"messages": USER_SAYS_HELLO, "stop": 5}, "stop"),
        ({"messages": USER_SAYS_HELLO, "stream": "yes"}, "stream"),
        ({"messages": USER_SAYS_HELLO, "tools": [{"type": "function"}]}, "tools[0].function.name"),
        ({"messages": USER_SAYS_HELLO, "tools": {}}, "tools"),
    ],
)
async def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    answered = await send(PATH, body)
    assert (answered.head.status, answered.json["error"]["param"]) == (400, param)
