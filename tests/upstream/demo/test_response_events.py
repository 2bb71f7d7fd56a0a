from __future__ import annotations

from tests.upstream.demo.calls import HELLO, WEATHER_SCHEMA, send

PATH = "/v1/responses"
WEATHER = {"type": "function", "name": "weather", "parameters": WEATHER_SCHEMA}


async def test_the_events_of_a_message_come_in_order() -> None:
    answered = await send(PATH, {"input": "Hello there", "stream": True})
    kinds = [event["type"].removeprefix("response.") for event in answered.events]
    deltas = len(kinds) - 8
    assert deltas > 3
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * deltas,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


async def test_the_events_of_a_call_come_in_order() -> None:
    answered = await send(PATH, {"input": "Hello there", "tools": [WEATHER], "stream": True})
    kinds = [event["type"].removeprefix("response.") for event in answered.events]
    deltas = len(kinds) - 6
    assert deltas > 3
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        *["function_call_arguments.delta"] * deltas,
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


async def test_every_event_is_named_and_numbered() -> None:
    answered = await send(PATH, {"input": "Hi", "stream": True})
    for number, (piece, event) in enumerate(zip(answered.pieces, answered.events, strict=True)):
        assert piece.startswith(f"event: {event['type']}\n".encode())
        assert event["sequence_number"] == number


async def test_the_first_event_has_nothing_yet_and_the_last_has_all() -> None:
    events = (await send(PATH, {"input": "Hello there", "stream": True})).events
    first, last = events[0]["response"], events[-1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert (last["status"], last["output"][0]["content"][0]["text"]) == ("completed", HELLO)
    assert last["usage"]["output_tokens"] == 14
