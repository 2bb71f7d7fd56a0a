from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from tests.upstream.demo.calls import HELLO, WEATHER_SCHEMA, send

PATH = "/v1/responses"
WEATHER: dict[str, Any] = {"type": "function", "name": "weather", "parameters": WEATHER_SCHEMA}


class City(BaseModel):
    name: str
    people: int


async def test_a_plain_answer_is_whole(openai_sdk: AsyncOpenAI) -> None:
    response = await openai_sdk.responses.create(model="demo", instructions="Be brief.", input="Hello there")
    assert (response.output_text, response.status, response.instructions) == (HELLO, "completed", "Be brief.")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (5, 14, 19)
    assert Response.model_validate(response.model_dump()) == response


async def test_a_stream_gives_the_plain_answer(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.responses.stream(model="demo", input="Hello there") as stream:
        events = [event async for event in stream]
        streamed = await stream.get_final_response()
    plain = await openai_sdk.responses.create(model="demo", input="Hello there")
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == HELLO
    assert (streamed.output_text, streamed.usage) == (plain.output_text, plain.usage)


async def test_a_plain_answer_calls_a_function(openai_sdk: AsyncOpenAI) -> None:
    response = await openai_sdk.responses.create(
        model="demo",
        input="Hi",
        tools=[{"type": "function", "name": "weather", "parameters": WEATHER_SCHEMA, "strict": True}],
    )
    call = response.output[0]
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.call_id.startswith("call_")
    assert (call.name, call.arguments) == ("weather", '{"city":"demo","unit":"C"}')


async def test_a_stream_calls_a_function(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.responses.stream(
        model="demo",
        input="Hi",
        tools=[{"type": "function", "name": "weather", "parameters": WEATHER_SCHEMA, "strict": True}],
    ) as stream:
        response = await stream.get_final_response()
    call = response.output[0]
    assert call.type == "function_call"
    assert call.arguments == '{"city":"demo","unit":"C"}'


async def test_a_model_class_is_parsed(openai_sdk: AsyncOpenAI) -> None:
    response = await openai_sdk.responses.parse(model="demo", input="Hi", text_format=City)
    assert response.output_parsed == City(name="demo", people=1)


async def test_a_model_class_is_parsed_out_of_a_stream(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.responses.stream(model="demo", input="Hi", text_format=City) as stream:
        response = await stream.get_final_response()
    assert response.output_parsed == City(name="demo", people=1)


async def test_the_request_is_echoed() -> None:
    body = {"input": "Hi", "metadata": {"a": "b"}, "temperature": 0.5, "tool_choice": "none", "tools": [WEATHER]}
    answered = await send(PATH, body)
    assert {key: answered.json[key] for key in body if key != "input"} == {
        k: v for k, v in body.items() if k != "input"
    }


async def test_a_conversation_is_read_item_by_item() -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Look"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes"}]},
        {"role": "user", "content": "And?"},
    ]
    answered = await send(PATH, {"input": items})
    said = 'This is MonoRelay\'s demo model. You said: "And?". I see 1 image.'
    assert answered.json["output"][0]["content"][0]["text"] == said


async def test_after_a_functions_output_no_function_is_called() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "20 degrees"},
    ]
    answered = await send(PATH, {"input": items, "tools": [WEATHER]})
    assert answered.json["output"][0]["content"][0]["text"] == 'The tool said: "20 degrees".'


async def test_built_in_tools_are_not_called() -> None:
    answered = await send(PATH, {"input": "Hello there", "tools": [{"type": "web_search"}]})
    assert answered.json["output"][0]["type"] == "message"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_limit_leaves_the_response_incomplete(*, stream: bool) -> None:
    answered = await send(PATH, {"input": "Hi", "max_output_tokens": 3, "stream": stream})
    response = answered.events[-1]["response"] if stream else answered.json
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][0]["content"][0]["text"] == "This is"
    if stream:
        assert answered.events[-1]["type"] == "response.incomplete"


async def test_a_call_without_room_leaves_no_item() -> None:
    answered = await send(PATH, {"input": "Hi", "max_output_tokens": 1, "tools": [WEATHER]})
    assert (answered.json["status"], answered.json["output"]) == ("incomplete", [])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [{"content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "king", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"type": "function_call_output", "output": 5}]}, "input[0].output"),
        ({"input": "Hi", "max_output_tokens": 1.5}, "max_output_tokens"),
        ({"input": "Hi", "tools": [{"type": "function"}]}, "tools[0].name"),
    ],
)
async def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    answered = await send(PATH, body)
    assert (answered.head.status, answered.json["error"]["param"]) == (400, param)
