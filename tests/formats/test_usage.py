"""The tokens of a call, as plain answers and streams tell them, held against a second reader that reads everything."""

from __future__ import annotations

import json
import random
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.sse import EventSplitter, write_event
from relay.formats.usage import UsageTap, read_usage
from relay.model import Dialect, Usage
from tests.formats import reference
from tests.formats.streams import Golden, cut, cuts, every_golden, goldens, single_bytes
from tests.support import corpus

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
START = {"input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 30, "output_tokens": 1}
NO_USAGE: list[Any] = [None, {}, [], 7, "", {"tokens": 7}]
NO_COUNTS: list[Any] = [None, True, False, -1, 1.0, 2.5, "7", [7], {"tokens": 7}, 2**53 + 1, 2**70]


def event(document: object, name: str = "") -> bytes:
    return write_event(orjson.dumps(document), name)


def told(dialect: Dialect, *blocks: bytes) -> Usage | None:
    tap = UsageTap(dialect)
    for block in blocks:
        tap.look(block)
    return tap.usage()


def told_of(dialect: Dialect, pieces: Iterable[bytes]) -> Usage | None:
    """What the tap says of the blocks that these pieces of a stream come out as."""
    splitter = EventSplitter()
    blocks = [*map(splitter.feed, pieces), splitter.tail]
    return told(dialect, *(block for block in blocks if block))


def chat(usage: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage})


def numbers(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


# Plain answers


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (numbers(9, 12), Usage(input_tokens=9, output_tokens=12)),
        (
            {
                **numbers(2006, 300),
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 128, "accepted_prediction_tokens": 0},
            },
            Usage(input_tokens=2006, cache_read_tokens=1920, output_tokens=300, reasoning_tokens=128),
        ),
        (numbers(0, 0), Usage(input_tokens=0, output_tokens=0)),
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(input_tokens=8)),
        ({**numbers(9, 12), "prompt_tokens_details": None}, Usage(input_tokens=9, output_tokens=12)),
        ({**numbers(9, 12), "prompt_tokens_details": 5}, Usage(input_tokens=9, output_tokens=12)),
    ],
)
def test_a_chat_answer_tells_its_tokens(usage: dict[str, Any], expected: Usage) -> None:
    assert read_usage(CHAT, {"choices": [], "usage": usage}) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, Usage(100, 64, output_tokens=20)),
        ({"cached_tokens": 64}, Usage(100, 64, output_tokens=20)),
        ({"num_cached_tokens": 64}, Usage(100, 64, output_tokens=20)),
        ({"cached_tokens": 1, "prompt_tokens_details": {"cached_tokens": 64}}, Usage(100, 64, output_tokens=20)),
        ({"cached_tokens": 64, "prompt_tokens_details": {}}, Usage(100, 64, output_tokens=20)),
        (
            {"prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 30}},
            Usage(100, 64, 30, output_tokens=20),
        ),
        ({"cache_creation_input_tokens": 30}, Usage(100, cache_write_5m_tokens=30, output_tokens=20)),
        ({"reasoning_tokens": 5}, Usage(100, output_tokens=20, reasoning_tokens=5)),
    ],
    ids=["DeepSeek", "Moonshot", "Mistral", "both", "empty details", "OpenRouter", "LiteLLM", "Azure"],
)
def test_the_names_of_compatible_providers_are_known(more: dict[str, Any], expected: Usage) -> None:
    assert read_usage(CHAT, {"usage": {**numbers(100, 20), **more}}) == expected


@pytest.mark.parametrize(
    ("completion", "total", "output"),
    [(2, 331, 319), (0, 329, 317), (320, 332, 320), (2, 1000, 2), (2, None, 2), (None, 329, None)],
    ids=["beside", "nothing else", "within", "odd", "no total", "no completion"],
)
def test_reasoning_that_is_counted_beside_the_completion_is_output_too(
    completion: int | None, total: int | None, output: int | None
) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": completion, "total_tokens": total}
    details = {"completion_tokens_details": {"reasoning_tokens": 317}}
    expected = Usage(input_tokens=12, output_tokens=output, reasoning_tokens=317)
    assert read_usage(CHAT, {"usage": {**usage, **details}}) == expected


def test_a_responses_answer_tells_its_tokens() -> None:
    usage = {
        "input_tokens": 2006,
        "input_tokens_details": {"cached_tokens": 1920, "cache_write_tokens": 80},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 128},
        "total_tokens": 2306,
    }
    assert read_usage(RESPONSES, {"output": [], "usage": usage}) == Usage(2006, 1920, 80, None, 300, 128)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, Usage(10, output_tokens=5)),
        (START, Usage(240, 200, 30, None, 1)),
        (
            {**START, "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}},
            Usage(240, 200, 10, 20, 1),
        ),
        (
            {"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}},
            Usage(31, None, 10, 20),
        ),
        ({"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 20}}, Usage(21, None, None, 20)),
        ({**START, "cache_creation": None}, Usage(240, 200, 30, None, 1)),
        (
            {**START, "cache_creation_input_tokens": 8, "cache_creation": {"ephemeral_1h_input_tokens": 20}},
            Usage(218, 200, 0, 8, 1),
        ),
        (
            {"input_tokens": 10, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}},
            Usage(10, output_tokens=50, reasoning_tokens=40),
        ),
        ({"cache_read_input_tokens": 7, "output_tokens": 5}, Usage(None, 7, output_tokens=5)),
    ],
)
def test_the_input_of_a_messages_answer_counts_what_caches_had_to_do_with(
    usage: dict[str, Any], expected: Usage
) -> None:
    assert read_usage(MESSAGES, {"content": [], "usage": usage}) == expected


@pytest.mark.parametrize(
    ("dialect", "document"),
    [
        (MESSAGES, {"input_tokens": 14}),
        (CHAT, {"id": "modr-1", "results": []}),
        (CHAT, {"error": {"message": "Bad"}}),
        *((dialect, {"usage": usage}) for dialect in Dialect for usage in NO_USAGE),
        (CHAT, {"usage": {"total_tokens": 7}}),
        (CHAT, {"usage": {"input_tokens": 7, "output_tokens": 7}}),
        (RESPONSES, {"usage": numbers(7, 7)}),
        (RESPONSES, {"response": None}),
        (MESSAGES, {"message": "usage"}),
    ],
)
def test_an_answer_that_tells_no_number_tells_nothing(dialect: Dialect, document: dict[str, Any]) -> None:
    assert read_usage(dialect, document) is None


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize(
    ("dialect", "good", "bad"),
    [
        (CHAT, "completion_tokens", "prompt_tokens"),
        (RESPONSES, "output_tokens", "input_tokens"),
        (MESSAGES, "output_tokens", "input_tokens"),
    ],
)
def test_a_value_that_is_no_count_was_not_told(dialect: Dialect, good: str, bad: str, value: object) -> None:
    assert read_usage(dialect, {"usage": {good: 3, bad: value}}) == Usage(output_tokens=3)


def test_the_largest_count_is_one() -> None:
    assert read_usage(CHAT, {"usage": {"prompt_tokens": 2**53}}) == Usage(input_tokens=2**53)


# Streams


@pytest.mark.parametrize(
    "stream",
    [
        chat(None) + chat(None) + event({"choices": [], "usage": numbers(9, 12)}) + b"data: [DONE]\n\n",
        chat(None) + chat(numbers(9, 12)) + b"data: [DONE]\n\n",
        b"".join(chat(numbers(9, count)) for count in range(13)),
        chat(numbers(9, 3)) + chat(None) + chat(numbers(9, 12)) + chat(None),
        chat(numbers(8, 99)) + chat(numbers(9, 12)),
        chat({"prompt_tokens": 9}) + chat({"completion_tokens": 12}),
        chat(numbers(9, 12)) + chat({"prompt_tokens": None, "completion_tokens": -1}),
        event({"x_groq": {"usage": numbers(9, 12)}}),
        event({"x_groq": {"usage": numbers(9, 11)}, "usage": numbers(9, 12)}),
        b'data: {"usage" : {"prompt_tokens":9, "completion_tokens":12}}\r\n\r\n',
        b'data: {"usage":{\ndata: "prompt_tokens":9,\ndata: "completion_tokens":12}}\n\n',
        b': "usage":{\n\ndata: {"usage":{"prompt_tokens":9,"completion_tokens":12}}',
    ],
    ids=[
        "own chunk", "last content chunk", "every chunk", "twice", "corrected", "in parts", "then no counts",
        "Groq", "Groq twice", "spaces", "several lines", "without an end",
    ],
)  # fmt: skip
def test_of_the_numbers_in_a_chat_stream_the_last_ones_win(stream: bytes) -> None:
    expected = Usage(input_tokens=9, output_tokens=12)
    assert (told(CHAT, stream), told_of(CHAT, single_bytes(stream))) == (expected, expected)


@pytest.mark.parametrize("end", ["completed", "incomplete", "failed"])
def test_a_responses_stream_tells_its_tokens_at_the_end(end: str) -> None:
    tools = [{"type": "function", "parameters": {"properties": {"usage": {"type": "object"}}}}]
    usage = {"input_tokens": 9, "output_tokens": 12}
    stream = b"".join(
        event({"type": f"response.{name}", "response": {"usage": told, "tools": tools}}, f"response.{name}")
        for name, told in [("created", None), ("in_progress", None), (end, usage)]
    )
    assert told_of(RESPONSES, single_bytes(stream)) == Usage(input_tokens=9, output_tokens=12)


def message_start(usage: dict[str, Any]) -> bytes:
    return event({"type": "message_start", "message": {"content": [], "usage": usage}}, "message_start")


def message_delta(usage: dict[str, Any]) -> bytes:
    return event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}, "message_delta")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([message_start(START)], Usage(240, 200, 30, None, 1)),
        ([message_start(START), message_delta({"output_tokens": 80})], Usage(240, 200, 30, None, 80)),
        (
            [message_start(START), *(message_delta({"output_tokens": count}) for count in (20, 50, 80))],
            Usage(240, 200, 30, None, 80),
        ),
        (
            [message_start({"input_tokens": 0}), message_delta({"input_tokens": 10, "output_tokens": 80})],
            Usage(10, output_tokens=80),
        ),
        (
            [message_start(START), message_delta({**START, "input_tokens": 15, "output_tokens": 80})],
            Usage(245, 200, 30, None, 80),
        ),
        (
            [
                message_start({**START, "cache_creation": {"ephemeral_5m_input_tokens": 30}}),
                message_delta({"cache_creation_input_tokens": 50}),
            ],
            Usage(260, 200, 50, None, 1),
        ),
        (
            [
                message_start({**START, "cache_creation": {"ephemeral_1h_input_tokens": 30}}),
                message_delta({"cache_creation_input_tokens": 50}),
            ],
            Usage(260, 200, 20, 30, 1),
        ),
    ],
    ids=["no end", "output", "cumulative", "input at the end", "input corrected", "written on", "written on, an hour"],
)
def test_the_end_of_a_messages_stream_corrects_its_start(events: list[bytes], expected: Usage) -> None:
    assert (told(MESSAGES, *events), told(MESSAGES, b"".join(events))) == (expected, expected)


def test_what_lies_between_the_first_and_the_last_usage_does_not_matter() -> None:
    search = {"type": "content_block_start", "content_block": {"input": {"usage": {"input_tokens": 7}}}}
    events = [message_start(START), event(search), message_delta({"output_tokens": 80})]
    assert told(MESSAGES, *events) == Usage(240, 200, 30, None, 80)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "text", ['"usage": {"prompt_tokens": 7}', '{"usage":{"input_tokens":7,"output_tokens":7}}', '\\"usage":{', '"usage']
)
def test_text_that_reads_like_usage_is_none(dialect: Dialect, text: str) -> None:
    said = event({"choices": [{"delta": {"content": text}}], "delta": {"text": text}, text: {"a": text}, "b": text})
    assert told(dialect, said) is None


def test_text_that_reads_like_usage_does_not_push_the_usage_out() -> None:
    said = event({"usage": None, "choices": [{"delta": {"content": '"usage": {"prompt_tokens": 7}'}}]})
    assert told(CHAT, chat(numbers(1, 1)), chat(numbers(9, 12)), said, said) == Usage(9, output_tokens=12)


@pytest.mark.parametrize(
    "broken",
    [
        b'data: {"usage": {"prompt_tokens": 7\n\n',
        b'data: "usage": {"prompt_tokens": 7}\n\n',
        b'data: [{"usage": {"prompt_tokens": 7}}]\n\n',
        b': {"usage": {"prompt_tokens": 7}}\n\n',
        b'data: {"usage": {\xff}}\n\n',
        b'data: {"usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}\n\n",
        b'data: {"usage": {' * 2 + b"\n\n",
        b'data: {"usage": {"prompt_tokens": ' + b"[" * 100_000 + b"\n\n",
    ],
)
def test_events_that_are_no_json_objects_are_passed_over(broken: bytes) -> None:
    expected = Usage(input_tokens=9, output_tokens=12)
    assert told(CHAT, broken) is None
    assert told(CHAT, broken + chat(numbers(9, 12)) + broken) == expected
    assert told(CHAT, chat(numbers(9, 12)), broken) == expected


def test_a_nan_beside_the_usage_is_no_reason_to_lose_it() -> None:
    assert told(CHAT, b'data: {"logprob":NaN,"usage":{"prompt_tokens":7}}\n\n') == Usage(input_tokens=7)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_stream_without_usage_tells_nothing(dialect: Dialect) -> None:
    assert told(dialect) is None
    assert told(dialect, b": ping\n\n", event({"choices": [], "usage": None}), b"data: [DONE]\n\n") is None


def test_the_tap_can_be_asked_at_any_time() -> None:
    tap = UsageTap(CHAT)
    answers = []
    for count in range(4):
        tap.look(chat(numbers(9, count)))
        answers += [tap.usage(), tap.usage()]
    assert answers == [Usage(9, output_tokens=count) for count in range(4) for _ in range(2)]


def test_a_stream_with_usage_in_every_chunk_is_not_kept() -> None:
    tap = UsageTap(CHAT)
    tracemalloc.start()
    try:
        for count in range(500):
            tap.look(event({"choices": [{"delta": {"content": "x" * 50_000}}], "usage": numbers(9, count)}))
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 4 * 50_000
    assert tap.usage() == Usage(input_tokens=9, output_tokens=499)


def test_blocks_are_held_as_the_very_bytes_that_passed() -> None:
    tap, block = UsageTap(CHAT), chat(numbers(9, 12))
    before = sys.getrefcount(block)
    tap.look(block)
    assert sys.getrefcount(block) == before + 1


@given(dialect=st.sampled_from(Dialect), blocks=st.lists(st.binary() | st.just(b'data: {"usage":{'), max_size=5))
def test_no_bytes_make_it_raise(dialect: Dialect, blocks: list[bytes]) -> None:
    assert told(dialect, *blocks) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["usage", *START]), inner, max_size=3),
    max_leaves=8,
)


@given(dialect=st.sampled_from(Dialect), usage=json_values)
def test_a_stream_of_one_event_tells_what_the_plain_answer_does(dialect: Dialect, usage: object) -> None:
    document = {"usage": usage, "message": {"usage": usage}, "response": usage}
    block = b"data: " + json.dumps(document).encode() + b"\n\n"
    assert told(dialect, block) == read_usage(dialect, document)


texts = st.text(max_size=5) | st.sampled_from(['"usage": {', '{"usage":{"prompt_tokens":7}}', "\\", "\n\n", "\u2028"])


@st.composite
def chat_streams(draw: st.DrawFn) -> tuple[bytes, Usage | None]:
    """A stream with cumulative usage in some of its chunks, and what the last of them tells."""
    events, last = [], None
    for completion, (text, has_usage) in enumerate(draw(st.lists(st.tuples(texts, st.booleans()), max_size=8))):
        usage = numbers(9, completion) if has_usage else None
        events.append(event({"choices": [{"delta": {"content": text}}], "usage": usage}))
        last = Usage(input_tokens=9, output_tokens=completion) if has_usage else last
    line_end = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    return b"".join(events).replace(b"\n", line_end), last


@given(data=st.data(), written=chat_streams())
def test_no_cut_changes_what_a_stream_tells(data: st.DataObject, written: tuple[bytes, Usage | None]) -> None:
    stream, last = written
    assert told_of(CHAT, data.draw(cuts(stream))) == last


# Whole streams, against a reader that parses every event


def plainly(dialect: Dialect, documents: Iterable[dict[str, Any]]) -> Usage | None:
    """What these documents tell, read one after the other by the providers' references, without a table."""
    found: dict[str, Any] = {}
    for document in documents:
        for part in (document, document.get("message"), document.get("response"), document.get("x_groq")):
            usage = part.get("usage") if isinstance(part, dict) else None
            for name, value in (usage or {}).items():
                found.update(value if name.endswith("_details") and isinstance(value, dict) else {name: value})
    if dialect is MESSAGES and "output_tokens" in found:
        written = found.get("cache_creation_input_tokens")
        hour = (found.get("cache_creation") or {}).get("ephemeral_1h_input_tokens")
        return Usage(
            found["input_tokens"] + found.get("cache_read_input_tokens", 0) + (written or 0),
            found.get("cache_read_input_tokens"),
            written if written is None else written - (hour or 0),
            hour,
            found["output_tokens"],
            found.get("thinking_tokens"),
        )
    read = Usage(
        found.get("prompt_tokens", found.get("input_tokens")),
        found.get("cached_tokens", found.get("num_cached_tokens", found.get("prompt_cache_hit_tokens"))),
        found.get("cache_write_tokens"),
        None,
        found.get("completion_tokens", found.get("output_tokens")),
        found.get("reasoning_tokens"),
    )
    return read if found else None


def documents(stream: bytes) -> list[dict[str, Any]]:
    """The data of every event that has any but `[DONE]`."""
    said = [message.data for message in reference.read(stream) if message.data and message.data[:1] == b"{"]
    return [json.loads(data) for data in said]


@every_golden
def test_a_golden_stream_tells_what_a_full_parse_finds(golden: Golden) -> None:
    expected = plainly(golden.dialect, documents(golden.stream))
    assert told_of(golden.dialect, single_bytes(golden.stream)) == expected


def recorded_streams(path: Path | None) -> list[tuple[Dialect, bytes]]:
    """The streams of a file of the corpus; None: the golden ones, so that there is something to read everywhere."""
    if path is None:
        return [(golden.dialect, golden.stream) for golden in goldens()]
    return [(one.endpoint.dialect, one.response) for one in corpus.exchanges(path) if one.is_stream]


def recorded_answers(path: Path | None) -> list[tuple[Dialect, dict[str, Any]]]:
    """The plain answers of a file of the corpus; none without one."""
    plain = [one for one in corpus.exchanges(path) if not one.is_stream] if path else []
    found = [(one.endpoint.dialect, orjson.loads(one.response)) for one in plain if one.response[:1] == b"{"]
    return [(dialect, document) for dialect, document in found if "input_tokens" not in document]


every_recording = pytest.mark.parametrize(
    "path", [None, *corpus.files()], ids=lambda path: path.name.partition(".")[0] if path else "golden"
)


@every_recording
def test_every_recorded_stream_tells_what_a_full_parse_finds_however_it_is_cut(path: Path | None) -> None:
    for number, (dialect, stream) in enumerate(recorded_streams(path)):
        expected = plainly(dialect, documents(stream))
        luck = random.Random(f"{number}")
        for count in (0, 1, 5, 50, 2_000):
            pieces = cut(stream, luck.choices(range(len(stream) + 1), k=count))
            assert told_of(dialect, pieces) == expected, (number, count)


@every_recording
def test_every_recorded_answer_tells_what_stands_in_it(path: Path | None) -> None:
    for dialect, document in recorded_answers(path):
        assert read_usage(dialect, document) == plainly(dialect, [document]), document.get("id")
