from __future__ import annotations

from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError
from anthropic.types import TextBlock, ToolUseBlock
from pydantic import BaseModel

from tests.upstream.demo.calls import HELLO, USER_SAYS_HELLO, WEATHER_ARGUMENTS, WEATHER_SCHEMA, send

PATH = "/v1/messages"
BODY: dict[str, Any] = {"messages": USER_SAYS_HELLO, "max_tokens": 100}
WEATHER = {"name": "weather", "input_schema": WEATHER_SCHEMA}


class City(BaseModel):
    name: str
    people: int


async def test_a_plain_answer_is_whole(anthropic_sdk: AsyncAnthropic) -> None:
    message = await anthropic_sdk.messages.create(
        model="demo", max_tokens=100, system="Be brief.", messages=[{"role": "user", "content": "Hello there"}]
    )
    block = message.content[0]
    assert isinstance(block, TextBlock)
    assert (block.text, message.stop_reason, message.stop_sequence) == (HELLO, "end_turn", None)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (5, 14)


async def test_a_stream_gives_the_plain_answer(anthropic_sdk: AsyncAnthropic) -> None:
    async with anthropic_sdk.messages.stream(
        model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hello there"}]
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        streamed = await stream.get_final_message()
    plain = await anthropic_sdk.messages.create(
        model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hello there"}]
    )
    assert text == HELLO
    assert streamed.content[0].type == plain.content[0].type == "text"
    assert (streamed.stop_reason, streamed.usage) == (plain.stop_reason, plain.usage)


async def test_a_plain_answer_uses_a_tool(anthropic_sdk: AsyncAnthropic) -> None:
    message = await anthropic_sdk.messages.create(
        model="demo",
        max_tokens=100,
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"name": "weather", "input_schema": WEATHER_SCHEMA}],
    )
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert block.id.startswith("toolu_")
    assert (block.name, block.input, message.stop_reason) == ("weather", WEATHER_ARGUMENTS, "tool_use")


async def test_a_stream_uses_a_tool(anthropic_sdk: AsyncAnthropic) -> None:
    async with anthropic_sdk.messages.stream(
        model="demo",
        max_tokens=100,
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"name": "weather", "input_schema": WEATHER_SCHEMA}],
    ) as stream:
        message = await stream.get_final_message()
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert (block.input, message.stop_reason) == (WEATHER_ARGUMENTS, "tool_use")


async def test_a_model_class_is_parsed(anthropic_sdk: AsyncAnthropic) -> None:
    message = await anthropic_sdk.messages.parse(
        model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hi"}], output_format=City
    )
    assert message.parsed_output == City(name="demo", people=1)


async def test_a_model_class_is_parsed_out_of_a_stream(anthropic_sdk: AsyncAnthropic) -> None:
    async with anthropic_sdk.messages.stream(
        model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hi"}], output_format=City
    ) as stream:
        message = await stream.get_final_message()
    assert message.parsed_output == City(name="demo", people=1)


async def test_tokens_are_counted_as_a_message_counts_them(anthropic_sdk: AsyncAnthropic) -> None:
    counted = await anthropic_sdk.messages.count_tokens(
        model="demo", system="Be brief.", messages=[{"role": "user", "content": "Hello there"}]
    )
    assert counted.input_tokens == 5


async def test_an_sdk_reads_the_refusal(anthropic_sdk: AsyncAnthropic) -> None:
    with pytest.raises(BadRequestError, match="'messages' must be a list") as caught:
        await anthropic_sdk.messages.create(model="demo", max_tokens=100, messages=[])
    assert caught.value.request_id is not None


async def test_an_older_output_format_is_understood() -> None:
    output_format = {"type": "json_schema", "schema": WEATHER_SCHEMA}
    answered = await send(PATH, {**BODY, "output_format": output_format})
    assert answered.json["content"][0]["text"] == '{"city":"demo","unit":"C"}'


async def test_events_come_in_order_with_a_ping() -> None:
    answered = await send(PATH, {**BODY, "stream": True})
    kinds = [event["type"] for event in answered.events]
    deltas = len(kinds) - 6
    assert deltas > 3
    assert kinds == [
        "message_start",
        "ping",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert answered.pieces[0].startswith(b"event: message_start\ndata: {")


async def test_the_start_has_the_inputs_tokens_and_the_end_the_sums() -> None:
    events = (await send(PATH, {**BODY, "stream": True})).events
    start = events[0]["message"]["usage"]
    assert (start["input_tokens"], start["output_tokens"]) == (3, 1)
    assert (events[-2]["usage"]["input_tokens"], events[-2]["usage"]["output_tokens"]) == (3, 14)


async def test_a_tool_block_starts_empty_and_is_filled_in_fragments() -> None:
    events = (await send(PATH, {**BODY, "tools": [WEATHER], "stream": True})).events
    started = next(event for event in events if event["type"] == "content_block_start")
    assert started["content_block"]["input"] == {}
    fragments = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert len(fragments) > 3
    assert "".join(fragments) == '{"city":"demo","unit":"C"}'


async def test_after_a_tool_result_no_tool_is_used() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "20 degrees"}]}
    for content in ([result], [result, {"type": "text", "text": "And now?"}]):
        messages = [*USER_SAYS_HELLO, {"role": "user", "content": content}]
        answered = await send(PATH, {**BODY, "messages": messages, "tools": [WEATHER]})
        assert answered.json["content"] == [{"type": "text", "text": 'The tool said: "20 degrees".'}]


async def test_tools_that_the_server_would_run_are_not_used() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    answered = await send(PATH, {**BODY, "tools": tools})
    assert answered.json["stop_reason"] == "end_turn"


async def test_images_are_seen_in_tool_results_too() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    messages = [
        {"role": "user", "content": [image, {"type": "tool_result", "tool_use_id": "t", "content": [image]}]},
        {"role": "user", "content": "Hi"},
    ]
    answered = await send(PATH, {**BODY, "messages": messages})
    assert answered.json["content"][0]["text"].endswith("I see 2 images.")


async def test_a_limit_cuts_the_answer() -> None:
    message = (await send(PATH, {**BODY, "max_tokens": 3})).json
    assert (message["content"][0]["text"], message["stop_reason"]) == ("This is", "max_tokens")


async def test_a_call_without_room_leaves_no_block() -> None:
    answered = await send(PATH, {**BODY, "max_tokens": 1, "tools": [WEATHER], "stream": True})
    kinds = [event["type"] for event in answered.events]
    assert kinds == ["message_start", "ping", "message_delta", "message_stop"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_sequence_is_named(*, stream: bool) -> None:
    answered = await send(PATH, {**BODY, "stop_sequences": [" demo"], "stream": stream})
    ended = answered.events[-2]["delta"] if stream else answered.json
    assert (ended["stop_reason"], ended["stop_sequence"]) == ("stop_sequence", " demo")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "king"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stop_sequences": 5}, "stop_sequences"),
        ({"system": 5}, "system"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "other"}}, "tool_choice"),
    ],
)
async def test_a_wrong_field_is_named(change: dict[str, Any], named: str) -> None:
    answered = await send(PATH, BODY | change)
    assert answered.head.status == 400
    assert f"'{named}'" in answered.json["error"]["message"]
