from __future__ import annotations

import asyncio

import pytest

from relay.upstream.demo import DEMO_MODELS
from tests.upstream.demo.calls import USER_SAYS_HELLO, ListSink, PausingSink, open_call, send, send_raw

CHAT = b'{"model": "demo", "messages": [{"role": "user", "content": "Hi"}], "stream": true}'


def test_the_list_of_models_is_not_empty() -> None:
    assert DEMO_MODELS == ("demo",)


@pytest.mark.parametrize("prefix", ["", "/v1", "/some/where/v1"])
async def test_a_path_may_have_any_prefix(prefix: str) -> None:
    answered = await send(f"{prefix}/chat/completions", {"messages": USER_SAYS_HELLO})
    assert answered.json["object"] == "chat.completion"


async def test_of_two_endings_the_longer_one_counts() -> None:
    answered = await send("/v1/completions", {"prompt": "Hi"})
    assert answered.json["object"] == "text_completion"


async def test_an_unknown_path_is_not_found() -> None:
    answered = await send("/v1/images/generations", {})
    assert answered.head.status == 404
    assert answered.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"null", b'{"model": 5}', b"{}", b'{"model": "\xff"}'])
async def test_a_body_that_is_no_request_is_refused_in_openais_shape(raw: bytes) -> None:
    answered = await send_raw("/v1/chat/completions", raw)
    assert answered.head.status == 400
    assert set(answered.json["error"]) == {"message", "type", "param", "code"}


async def test_a_body_that_is_no_request_is_refused_in_anthropics_shape() -> None:
    answered = await send_raw("/v1/messages", b"{}")
    assert answered.head.status == 400
    assert answered.json["type"] == "error"
    assert answered.json["error"]["type"] == "invalid_request_error"
    assert answered.json["request_id"] == answered.head.headers["request-id"]


async def test_a_body_nested_too_deeply_to_be_echoed_is_refused() -> None:
    deep = b'{"a":' * 400 + b"1" + b"}" * 400
    answered = await send_raw("/v1/responses", b'{"model": "demo", "input": "Hi", "metadata": ' + deep + b"}")
    assert answered.head.status == 400


async def test_the_same_body_gives_the_same_bytes() -> None:
    assert await send_raw("/v1/chat/completions", CHAT) == await send_raw("/v1/chat/completions", CHAT)


async def test_another_body_gives_another_id() -> None:
    first, second = [await send("/chat/completions", {"messages": USER_SAYS_HELLO, "seed": seed}) for seed in (1, 2)]
    assert first.json["id"] != second.json["id"]


async def test_only_the_timestamp_follows_the_clock() -> None:
    early, late = [await send("/chat/completions", {"messages": USER_SAYS_HELLO}, now=now) for now in (1.9, 2.0)]
    assert early.body.replace(b'"created":1', b'"created":2') == late.body


async def test_any_model_name_is_accepted_and_echoed() -> None:
    answered = await send("/chat/completions", {"model": "gpt-99", "messages": USER_SAYS_HELLO})
    assert answered.json["model"] == "gpt-99"


async def test_a_stream_says_so_and_names_its_request() -> None:
    answered = await send_raw("/v1/chat/completions", CHAT)
    assert answered.head.headers["content-type"] == "text/event-stream"
    assert answered.head.headers["x-request-id"].startswith("req_")


async def test_one_event_is_fed_at_a_time() -> None:
    answered = await send_raw("/v1/chat/completions", CHAT)
    assert all(piece.startswith(b"data: ") and piece.count(b"\n\n") == 1 for piece in answered.pieces)


async def test_a_paused_call_goes_on_where_it_stopped() -> None:
    call, sink = await open_call("/v1/chat/completions", CHAT), PausingSink()
    while not await call.pump(sink):
        pass
    assert tuple(sink.pieces) == (await send_raw("/v1/chat/completions", CHAT)).pieces


async def test_a_closed_call_feeds_no_more() -> None:
    call, sink = await open_call("/v1/chat/completions", CHAT), PausingSink()
    assert not await call.pump(sink)
    call.close()
    call.close()
    assert await call.pump(sink)
    assert len(sink.pieces) == 1


async def test_a_call_closed_between_two_events_stops() -> None:
    call, sink = await open_call("/v1/chat/completions", CHAT), ListSink()
    pumping = asyncio.ensure_future(call.pump(sink))
    await asyncio.sleep(0)
    call.close()
    assert await pumping
    assert len(sink.pieces) == 1


async def test_others_run_between_two_events() -> None:
    calls = [await open_call("/v1/chat/completions", CHAT) for _ in range(2)]
    order: list[int] = []
    await asyncio.gather(*(call.pump(Ordered(order, number)) for number, call in enumerate(calls)))
    assert order[:4] == [0, 1, 0, 1]


class Ordered:
    """Notes whose turn it was."""

    def __init__(self, order: list[int], number: int) -> None:
        self.order, self.number = order, number

    def feed(self, data: bytes, /) -> bool:
        self.order.append(self.number)
        return True
