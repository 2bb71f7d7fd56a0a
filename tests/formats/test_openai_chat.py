"""What only OpenAI Chat Completions has: its errors, the usage chunk, the choices and `[DONE]`."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorFacts
from relay.formats.openai_chat import (
    ask_for_usage,
    error_body,
    error_event,
    finished_choices,
    is_end,
    is_usage_only,
    wants_usage,
)
from relay.formats.sse import Event, write_event

FACTS = ErrorFacts(400, "Bad", "invalid_request_error", "invalid_request_error", "too_long", "messages")
INNER = {"message": "Bad", "type": "invalid_request_error", "param": "messages", "code": "too_long"}


def event(document: object) -> bytes:
    return write_event(orjson.dumps(document))


def test_an_error_body_has_the_four_fields() -> None:
    assert orjson.loads(error_body(FACTS, "req_1")) == {"error": INNER}


def test_what_an_error_does_not_know_is_null() -> None:
    bare = ErrorFacts(502, "Broken", "server_error", "api_error")
    inner = {"message": "Broken", "type": "server_error", "param": None, "code": None}
    assert orjson.loads(error_body(bare, "req_1")) == {"error": inner}


def test_an_error_event_is_one_line_of_data_without_a_name() -> None:
    assert error_event(FACTS, "req_1", b"") == b"data: " + error_body(FACTS, "req_1") + b"\n\n"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (None, {"include_usage": True}),
        ({}, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
def test_asking_for_usage_keeps_every_other_option(options: dict[str, Any] | None, asked: dict[str, Any]) -> None:
    body: dict[str, Any] = {"model": "x", "stream_options": options}
    ask_for_usage(body)
    assert body == {"model": "x", "stream_options": asked}


def test_asking_for_usage_leaves_the_clients_own_options_alone() -> None:
    options: dict[str, Any] = {}
    ask_for_usage({"stream_options": options})
    assert options == {}


@pytest.mark.parametrize(
    ("body", "is_wanted"),
    [
        ({}, False),
        ({"stream_options": None}, False),
        ({"stream_options": {}}, False),
        ({"stream_options": {"include_usage": False}}, False),
        ({"stream_options": {"include_usage": 1}}, False),
        ({"stream_options": ["include_usage"]}, False),
        ({"stream_options": {"include_usage": True}}, True),
    ],
)
def test_usage_is_wanted_where_it_was_asked_for(body: dict[str, Any], is_wanted: bool) -> None:
    assert wants_usage(body) is is_wanted


@pytest.mark.parametrize(
    "raw",
    [
        event({"choices": [], "usage": {"total_tokens": 3}}),
        event({"usage": {}, "choices": []}),
        b'data: {"choices" : [ ], "usage": {}}\r\n\r\n',
        b'data: {"choices":[],\ndata: "usage":{}}\n\n',
        b': comment\nid: 1\ndata: {"choices":[],"usage":{}}\n\n',
    ],
)
def test_the_usage_chunk_has_no_choices_and_a_usage_object(raw: bytes) -> None:
    assert is_usage_only(raw)


@pytest.mark.parametrize(
    "raw",
    [
        event({"choices": [], "usage": None}),
        event({"choices": [], "prompt_filter_results": []}),
        event({"choices": [{"index": 0, "delta": {}}], "usage": {"total_tokens": 3}}),
        event({"choices": None, "usage": {}}),
        event({"usage": {}, "note": {"choices": []}}),
        event({"choices": [{"delta": {"content": '"choices":[]'}}], "usage": {}}),
        b'data: {"choices":[],"usage":{}\n\n',
        b': "choices":[],"usage":{}\n\n',
        b'data: ["choices":[]]\n\n',
        b"data: [DONE]\n\n",
        b"\n\n",
    ],
)
def test_no_other_chunk_is_the_usage_chunk(raw: bytes) -> None:
    assert not is_usage_only(raw)


@pytest.mark.parametrize("data", [b"[DONE]", b"[DONE] ", b"[DONE]x", b"[DONE]\n"])
def test_the_end_mark_is_what_openai_python_stops_at(data: bytes) -> None:
    assert is_end(Event("", data))


@pytest.mark.parametrize("data", [None, b"", b" [DONE]", b"[DONE", b'{"a":"[DONE]"}', b'"[DONE]"'])
def test_nothing_else_is_the_end_mark(data: bytes | None) -> None:
    assert not is_end(Event("", data))


@pytest.mark.parametrize(
    ("choices", "finished"),
    [
        ([], set()),
        ([{"index": 0, "finish_reason": "stop"}], {0}),
        ([{"index": 3, "finish_reason": "length"}, {"index": 1, "finish_reason": "tool_calls"}], {1, 3}),
        ([{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": None}], {0}),
        ([{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": ""}], {0}),
        ([{"index": 0, "finish_reason": "stop"}, {"index": 1}], {0}),
        ([{"finish_reason": "stop"}], {0}),
        ([{"index": "0", "finish_reason": "stop"}], set()),
        ([{"index": 0, "delta": {"finish_reason": "stop"}}], set()),
        (["finish_reason", {"index": 0, "finish_reason": "stop"}], {0}),
        ({"finish_reason": "stop"}, set()),
        (None, set()),
    ],
)
def test_a_choice_is_finished_by_a_reason_of_its_own(choices: object, finished: set[int]) -> None:
    assert finished_choices(event({"choices": choices, "note": {"finish_reason": "stop"}})) == finished


def test_a_block_of_several_chunks_tells_of_all_that_are_finished() -> None:
    chunks = [
        {"choices": [{"index": index, "finish_reason": reason}]} for index, reason in [(0, "a"), (1, None), (2, "b")]
    ]
    assert finished_choices(b"".join(map(event, chunks))) == {0, 2}


def test_a_reason_in_what_is_no_json_finishes_nothing() -> None:
    assert finished_choices(b'data: {"choices":[{"index":0,"finish_reason":"stop"}\n\n') == set()


@given(content=st.text())
def test_a_reason_within_a_text_finishes_nothing(content: str) -> None:
    text = f'{content}"finish_reason":"stop"{content}'
    assert finished_choices(event({"choices": [{"index": 0, "delta": {"content": text}}]})) == set()
