"""Streams that pass: whatever the cut, the client gets the bytes that the provider sent, up to a true end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import ErrorFacts, UpstreamError
from relay.formats.openai_chat import without_usage_chunk
from relay.formats.passing import PassingStream, Verbatim
from relay.formats.registry import DIALECTS
from relay.formats.scrub import Scrub
from relay.formats.sse import write_event
from relay.model import Dialect, Usage
from tests.formats import reference
from tests.formats.streams import (
    REQUEST_ID,
    Golden,
    cuts,
    each,
    every_golden,
    every_whole_golden,
    goldens,
    of,
    passed,
    single_bytes,
    without_usage,
)

DONE = b"data: [DONE]\n\n"
SECRET = "sk-canary-0123456789"
with_errors = each(golden for golden in goldens() if golden.has_an_error)
of_chat = each(golden for golden in goldens() if golden.dialect is Dialect.CHAT)
every_dialect = pytest.mark.parametrize("dialect", list(DIALECTS))


def stream(dialect: Dialect, **options: Any) -> PassingStream:
    return PassingStream(DIALECTS[dialect], REQUEST_ID, **options)


def code_of_the_break(transform: PassingStream, pieces: Iterable[bytes]) -> str | None:
    """The code of the error that ends this stream."""
    with pytest.raises(UpstreamError) as caught:
        passed(transform, pieces)
    return caught.value.facts.code


def choices_of(golden: Golden) -> int:
    """How many choices the request for this stream had asked for."""
    return 2 if golden.name == "two-choices" else 1


def chunk(content: str = "", *, index: int = 0, reason: str | None = None, **more: object) -> bytes:
    choice = {"index": index, "delta": {"content": content}, "finish_reason": reason}
    return write_event(orjson.dumps({"choices": [choice], **more}))


def expected(golden: Golden) -> bytes:
    """What a client must get of a golden stream."""
    return golden.stream + (DONE if golden.name.startswith("unended-") else b"")


# Any cut


@every_golden
@settings(max_examples=25)  # Of each of many streams.
@given(data=st.data())
def test_any_cut_comes_out_equal(golden: Golden, data: st.DataObject) -> None:
    assert passed(golden.passing(), data.draw(cuts(golden.stream))) == expected(golden)


@every_golden
def test_a_byte_at_a_time_comes_out_equal(golden: Golden) -> None:
    assert passed(golden.passing(), single_bytes(golden.stream)) == expected(golden)


@of_chat
@settings(max_examples=25)  # Of each of many streams.
@given(data=st.data())
def test_any_cut_without_the_usage_chunk_lacks_that_chunk_alone(golden: Golden, data: st.DataObject) -> None:
    pieces = data.draw(cuts(golden.stream))
    assert passed(golden.passing(hide=without_usage_chunk), pieces) == without_usage(expected(golden))


@of_chat
def test_a_byte_at_a_time_without_the_usage_chunk_lacks_that_chunk_alone(golden: Golden) -> None:
    transform = golden.passing(hide=without_usage_chunk)
    assert passed(transform, single_bytes(golden.stream)) == without_usage(expected(golden))


def test_there_are_golden_streams_with_a_usage_chunk_to_hide() -> None:
    hiding = {golden.name for golden in goldens() if without_usage(golden.stream) != golden.stream}
    assert {"usage-chunk", "crlf", "cr", "azure"} <= hiding


@every_whole_golden
@settings(max_examples=25)  # Of each of many streams.
@given(data=st.data())
def test_nothing_comes_out_behind_the_end(golden: Golden, data: st.DataObject) -> None:
    more = data.draw(st.sampled_from([golden.stream, DONE, b"data: {}\n\n", b": c\n\n", b"\r\n", b"data: half"]))
    assert passed(golden.passing(), data.draw(cuts(golden.stream + more))) == golden.stream


@every_golden
def test_nothing_comes_out_before_the_first_event_that_says_something(golden: Golden) -> None:
    transform, fed = golden.passing(), b""
    for piece in single_bytes(golden.stream):
        fed += piece
        assert (transform.feed(piece) != b"") <= transform.has_begun
        if transform.has_begun:
            break
    assert [message.data for message in reference.read(fed) if message.name != "ping"] != []


# The end


@every_whole_golden
def test_a_stream_has_ended_with_its_last_event_and_not_before(golden: Golden) -> None:
    transform = golden.passing()
    ended_at = []
    for index, piece in enumerate(single_bytes(golden.stream), start=1):
        transform.feed(piece)
        ended_at += [index] if transform.has_ended else []
    assert ended_at == [len(golden.stream)]


@every_whole_golden
def test_an_end_mark_without_its_empty_line_is_an_end(golden: Golden) -> None:
    bare = golden.stream.rstrip(b"\r\n")
    assert passed(golden.passing(), [bare]) == bare + b"\n\n"


@every_golden
def test_every_prefix_breaks_or_ends_truly(golden: Golden) -> None:
    """No prefix of a stream ends silently: it raises, or its last event is the end mark or an error."""
    whole = reference.read(expected(golden))
    for size in range(len(golden.stream)):
        transform = golden.passing(choices=choices_of(golden))
        try:
            out = passed(transform, [golden.stream[:size]])
        except UpstreamError:
            continue
        assert reference.read(out)[-1] == whole[-1]
        assert transform.has_ended or golden.has_an_error


@each(golden for golden in goldens() if golden.is_whole and golden.dialect is Dialect.CHAT)
def test_a_finished_chat_is_completed_with_the_end_mark_that_it_lacks(golden: Golden) -> None:
    without_end = golden.stream[: golden.end_begins]
    assert passed(golden.passing(choices=choices_of(golden)), [without_end]) == without_end + DONE


@each(golden for golden in goldens() if golden.is_whole and golden.dialect is not Dialect.CHAT)
def test_no_other_stream_is_completed(golden: Golden) -> None:
    assert code_of_the_break(golden.passing(), [golden.stream[: golden.end_begins]]) == "stream_truncated"


@every_golden
def test_half_an_event_is_a_break(golden: Golden) -> None:
    half = golden.stream[: golden.end_begins + 7]
    assert code_of_the_break(golden.passing(), [half]) == "stream_truncated"


@every_golden
def test_half_an_event_behind_a_comment_is_a_break(golden: Golden) -> None:
    half = golden.stream[: golden.end_begins] + b": comment\ndat"
    assert code_of_the_break(golden.passing(), [half]) == "stream_truncated"


def test_half_a_comment_is_no_break() -> None:
    finished = chunk(reason="stop")
    assert passed(stream(Dialect.CHAT), [finished, b": keep-al"]) == finished + DONE


def test_half_an_end_mark_is_a_break() -> None:
    assert code_of_the_break(stream(Dialect.CHAT), [chunk(reason="stop"), b"data: [DON"]) == "stream_truncated"


def test_a_number_alone_may_be_half_of_one_and_is_a_break() -> None:
    assert code_of_the_break(stream(Dialect.CHAT), [chunk(reason="stop"), b"data: 12"]) == "stream_truncated"


def test_a_last_event_without_its_empty_line_is_given_with_one() -> None:
    pieces = [chunk("a"), chunk(reason="stop").rstrip()]
    assert passed(stream(Dialect.CHAT), pieces) == b"".join(pieces) + b"\n\n" + DONE


@pytest.mark.parametrize("reason", [None, ""])
def test_a_choice_without_a_reason_is_not_finished(reason: str | None) -> None:
    assert code_of_the_break(stream(Dialect.CHAT), [chunk("a", reason=reason)]) == "stream_truncated"


def test_a_choice_that_is_finished_twice_does_not_finish_another() -> None:
    pieces = [chunk("a", index=1), chunk(reason="stop"), chunk(reason="stop")]
    assert code_of_the_break(stream(Dialect.CHAT, choices=2), pieces) == "stream_truncated"


@given(count=st.integers(1, 5), data=st.data())
def test_done_is_added_only_when_every_choice_is_finished(count: int, data: st.DataObject) -> None:
    finished = data.draw(st.lists(st.integers(0, count - 1), max_size=8))
    pieces = [chunk("a"), *(chunk(index=index, reason="length") for index in finished)]
    transform = stream(Dialect.CHAT, choices=count)
    if len(set(finished)) == count:
        assert passed(transform, pieces) == b"".join(pieces) + DONE
    else:
        assert code_of_the_break(transform, pieces) == "stream_truncated"


def test_two_choices_that_end_in_one_chunk_are_both_finished() -> None:
    choices = [{"index": index, "delta": {}, "finish_reason": "stop"} for index in range(2)]
    event = write_event(orjson.dumps({"choices": choices}))
    assert passed(stream(Dialect.CHAT, choices=2), [event]) == event + DONE


@every_dialect
@pytest.mark.parametrize(
    "nothing", [b"", b": waiting\n\n", b"\n\n", b"event: ping\ndata: {}\n\n", b": half", b"id: 1\n\n"]
)
def test_a_stream_that_said_nothing_is_empty(dialect: Dialect, nothing: bytes) -> None:
    assert code_of_the_break(stream(dialect), [nothing]) == "empty_response"


@every_dialect
def test_a_stream_of_half_an_event_is_truncated(dialect: Dialect) -> None:
    assert code_of_the_break(stream(dialect), [b"data: {"]) == "stream_truncated"


# Words that mean something elsewhere


LOADED_WORDS = ["[DONE]", "data: [DONE]", "\n\ndata: [DONE]\n\n", "message_stop", "event: message_stop", "event: error",
                '"error":{"message":"x"}', '"error": "x"', '"usage"', '"choices":[]', "response.completed",
                "response.failed", '"type":"response.completed"', '{"type":"message_stop"}', '"type":"error"',
                'data: {"type":"error"', '"finish_reason":"stop"', "\r\n\r\n", "\u2028", '"', "\\", "é"]  # fmt: skip
loaded_texts = st.lists(st.sampled_from(LOADED_WORDS) | st.text(max_size=3), max_size=12).map("".join)


every_text = each(golden for golden in goldens() if golden.name == "text")


def saying(golden: Golden, text: str) -> Golden:
    """The stream with this text in the place of its one proper name."""
    return replace(golden, stream=golden.stream.replace("Köln".encode(), orjson.dumps(text)[1:-1]))


def begun(golden: Golden) -> bytes:
    """The stream up to and with the first event that says its text."""
    said = golden.stream.index(b" aus")
    return golden.stream[: min(end for end in reference.boundaries(golden.stream) if end > said)]


@every_text
@given(text=loaded_texts, data=st.data())
def test_no_word_of_an_answer_ends_it(golden: Golden, text: str, data: st.DataObject) -> None:
    golden = saying(golden, text)
    said, end = golden.stream[: golden.end_begins], golden.stream[golden.end_begins :]
    transform = golden.passing()
    assert b"".join(map(transform.feed, data.draw(cuts(said)))) == said
    assert not transform.has_ended
    assert transform.feed(end) == end
    assert transform.has_ended


@every_text
@given(text=loaded_texts)
def test_no_word_of_an_answer_makes_a_broken_one_whole(golden: Golden, text: str) -> None:
    said = begun(saying(golden, text))
    assert code_of_the_break(golden.passing(), [said]) == "stream_truncated"


@given(text=loaded_texts, data=st.data())
def test_no_word_of_an_answer_hides_it(text: str, data: st.DataObject) -> None:
    said = chunk(text, usage=None) + DONE
    assert passed(stream(Dialect.CHAT, hide=without_usage_chunk), data.draw(cuts(said))) == said


def test_the_metadata_that_a_response_repeats_do_not_end_it() -> None:
    created = b'data: {"type":"response.created","response":{"metadata":{"type":"response.completed"}}}\n\n'
    transform = stream(Dialect.RESPONSES)
    assert (transform.feed(created), transform.has_ended) == (created, False)


def test_an_end_is_seen_wherever_its_type_stands_in_the_data() -> None:
    event = b'data: {"response":{},"sequence_number":1,"type":"response.completed"}\n\n'
    transform = stream(Dialect.RESPONSES)
    assert (transform.feed(b"data: {}\n\n" + event + event), transform.has_ended) == (b"data: {}\n\n" + event, True)


# Errors within


@with_errors
def test_an_error_in_the_middle_passes_and_nothing_is_added(golden: Golden) -> None:
    assert passed(golden.passing(), [golden.stream]) == golden.stream


@with_errors
def test_an_error_without_its_empty_line_is_given_with_one(golden: Golden) -> None:
    assert passed(golden.passing(), [golden.stream.rstrip()]) == golden.stream


@with_errors
def test_nothing_follows_an_error_that_sdks_raise(golden: Golden) -> None:
    assert passed(golden.passing(), [golden.stream + b"data: [DONE]\n\n: comment\n\n"]) == golden.stream


def test_an_error_that_the_anthropic_sdk_would_not_see_does_not_end_a_stream() -> None:
    """It raises for `event: error` alone, so a client would take what it has for the whole."""
    unnamed = b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    pieces = [begun(of(Dialect.MESSAGES, "text")), unnamed]
    assert code_of_the_break(stream(Dialect.MESSAGES), pieces) == "stream_truncated"


def test_an_error_that_is_only_a_text_ends_a_chat_as_the_openai_sdk_sees_it() -> None:
    pieces = [chunk("a"), b'data: {"error":"Something went wrong"}\n\n']
    assert passed(stream(Dialect.CHAT), pieces) == b"".join(pieces)


@pytest.mark.parametrize("error", [b"null", b"{}", b'""', b"false"])
def test_an_error_that_is_none_does_not_end_a_chat(error: bytes) -> None:
    pieces = [chunk("a"), b'data: {"choices":[],"error":' + error + b"}\n\n"]
    assert code_of_the_break(stream(Dialect.CHAT), pieces) == "stream_truncated"


def test_a_nested_error_does_not_end_a_chat() -> None:
    pieces = [chunk("a", details={"error": {"message": "x"}})]
    assert code_of_the_break(stream(Dialect.CHAT), pieces) == "stream_truncated"


def test_text_behind_the_mark_of_an_error_that_is_no_json_does_not_end_a_chat() -> None:
    pieces = [chunk("a"), b'data: {"error": {"mess\n\n']
    assert code_of_the_break(stream(Dialect.CHAT), pieces) == "stream_truncated"


@every_text
@given(data=st.data())
def test_the_operators_secrets_are_cut_out_of_an_error_and_of_nothing_else(golden: Golden, data: st.DataObject) -> None:
    said = begun(saying(golden, SECRET))
    error = write_event(orjson.dumps({"type": "error", "error": {"message": f"bad key {SECRET}!"}}), "error")
    out = passed(golden.passing(scrub=Scrub([SECRET])), data.draw(cuts(said + error)))
    assert out == said + error.replace(SECRET.encode(), b"***")


def test_the_operators_secrets_are_cut_out_of_an_error_that_sdks_would_not_see() -> None:
    error = write_event(orjson.dumps({"type": "error", "error": {"message": SECRET}}))
    transform = stream(Dialect.MESSAGES, scrub=Scrub([SECRET]))
    transform.feed(begun(of(Dialect.MESSAGES, "text")))
    assert SECRET.encode() not in transform.feed(error)


# The error event


@every_dialect
def test_a_stream_tells_its_break_in_its_own_dialect(dialect: Dialect) -> None:
    facts = ErrorFacts(502, "Broken", "server_error", "api_error", "stream_truncated")
    assert stream(dialect).error_event(facts) == DIALECTS[dialect].error_event(facts, REQUEST_ID, b"")


def test_the_number_of_an_error_event_follows_that_of_the_last_event_across_comments() -> None:
    transform = stream(Dialect.RESPONSES)
    transform.feed(b'data: {"type":"response.created","sequence_number":41}\n\n')
    transform.feed(b": keepalive\n\n")
    event = transform.error_event(ErrorFacts(502, "Broken", "server_error", "api_error"))
    assert orjson.loads(reference.read(event or b"")[0].data or b"")["sequence_number"] == 42


# Bodies that are no streams


@given(pieces=st.lists(st.binary()))
def test_any_other_body_passes_as_it_comes(pieces: list[bytes]) -> None:
    body = Verbatim()
    assert [body.feed(piece) for piece in pieces] == pieces


def test_any_other_body_may_be_sent_at_once_and_ends_with_its_upstream() -> None:
    body = Verbatim()
    begun, ended = body.has_begun, body.has_ended
    assert (begun, ended, body.finish(), body.has_ended) == (True, False, b"", True)


def test_the_break_of_any_other_body_can_not_be_told() -> None:
    assert Verbatim().error_event(ErrorFacts(502, "Broken", "server_error", "api_error")) is None


@pytest.mark.parametrize("page", [b"<html>", b"<!doctype html>\n<title>502</title>\n", b"upstream connect error"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_in_place_of_a_stream_is_no_event(dialect: Dialect, page: bytes) -> None:
    assert code_of_the_break(stream(dialect), [page]) == "bad_upstream_event"


def test_a_break_behind_an_error_that_the_provider_told_adds_no_second_one() -> None:
    transform = stream(Dialect.CHAT)
    transform.feed(chunk("a") + b'data: {"error": {"message": "no"}}\n\n')
    assert transform.error_event(ErrorFacts(502, "Broken", "server_error", "api_error")) == b""


def test_a_stream_of_the_hidden_usage_alone_is_empty() -> None:
    usage = b'data: {"choices":[],"usage":{"total_tokens":1}}\n\n'
    transform = PassingStream(DIALECTS[Dialect.CHAT], "req_1", hide=without_usage_chunk)
    with pytest.raises(UpstreamError) as caught:
        transform.feed(usage + b"data: [DONE]\n\n")
    assert caught.value.facts.code == "empty_response"


# What it tells of its tokens


USAGE_CHUNK = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n'


def test_the_usage_is_known_though_the_client_does_not_see_it() -> None:
    hiding = stream(Dialect.CHAT, hide=without_usage_chunk)
    out = hiding.feed(chunk("a") + USAGE_CHUNK + DONE)
    assert out == chunk("a") + DONE
    assert hiding.usage() == Usage(input_tokens=3, output_tokens=5)


def test_what_follows_the_end_mark_does_not_count() -> None:
    passing = stream(Dialect.CHAT)
    passing.feed(chunk("a") + DONE + USAGE_CHUNK)
    assert passing.usage() is None


def test_a_body_without_events_tells_nothing() -> None:
    body = Verbatim()
    body.feed(USAGE_CHUNK)
    assert body.usage() is None
