"""The gate in front of a stream: what opens it, what keeps it shut, and what breaks it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Retry, UpstreamError
from relay.formats.first_event import FirstEvent
from relay.formats.passing import PassingStream
from relay.formats.registry import DIALECTS
from relay.formats.sse import MAX_EVENT_BYTES
from relay.model import Dialect
from tests.formats.streams import REQUEST_ID

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
GOOD = b'data: {"choices":[]}\n\n'
SILENT = [b": waiting\n\n", b":\n\n", b"\n\n", b"id: 1\n\n", b"retry: 5\n\n", b'event: ping\ndata: {"type":"ping"}\n\n']
every_dialect = pytest.mark.parametrize("dialect", list(DIALECTS))


@dataclass(frozen=True, slots=True)
class Refused:
    """What a client and the next attempt learn of a stream whose first event is an error."""

    status: int
    openai_type: str
    anthropic_type: str
    code: str | None
    retry: Retry


def refused(dialect: Dialect, block: bytes) -> Refused:
    with pytest.raises(UpstreamError) as caught:
        FirstEvent(DIALECTS[dialect]).feed(block)
    facts = caught.value.facts
    return Refused(facts.status, facts.openai_type, facts.anthropic_type, facts.code, caught.value.retry)


@every_dialect
@given(silent=st.lists(st.sampled_from(SILENT)))
def test_comments_and_pings_are_held_and_come_with_the_first_event(dialect: Dialect, silent: list[bytes]) -> None:
    gate = FirstEvent(DIALECTS[dialect])
    assert [gate.feed(block) for block in silent] == [None] * len(silent)
    assert gate.feed(GOOD) == b"".join(silent) + GOOD


@every_dialect
def test_what_stands_behind_the_first_event_comes_with_it(dialect: Dialect) -> None:
    block = SILENT[0] + GOOD + b"data: no JSON\n\n"
    assert FirstEvent(DIALECTS[dialect]).feed(block) == block


@every_dialect
@pytest.mark.parametrize("data", [b"no JSON", b"", b"[]", b"null", b'"text"', b"1", b"\xff", b"<html>", b'{"half":'])
def test_a_first_event_that_is_no_json_object_is_bad(dialect: Dialect, data: bytes) -> None:
    bad = Refused(502, "server_error", "api_error", "bad_upstream_event", Retry.OTHER_KEY)
    assert refused(dialect, b"data: " + data + b"\n\n") == bad


@pytest.mark.parametrize(
    ("dialect", "end"),
    [
        (CHAT, b"data: [DONE]\n\n"),
        (CHAT, b"\xef\xbb\xbfdata:[DONE]\r\r"),
        (MESSAGES, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
        (MESSAGES, b'data: {"type": "message_stop"}\n\n'),
    ],
)
def test_a_stream_of_an_end_mark_alone_is_empty(dialect: Dialect, end: bytes) -> None:
    empty = Refused(502, "server_error", "api_error", "empty_response", Retry.OTHER_TARGET_ONCE)
    assert refused(dialect, SILENT[0] + end) == empty


def test_a_response_that_is_complete_at_once_is_an_answer() -> None:
    block = b'data: {"type":"response.completed","response":{}}\n\n'
    assert FirstEvent(DIALECTS[RESPONSES]).feed(block) == block


OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
SERVER_ERROR = Refused(500, "server_error", "api_error", "server_error", Retry.OTHER_KEY)


@pytest.mark.parametrize(
    ("dialect", "block", "facts"),
    [
        (MESSAGES, b"event: error\ndata: " + OVERLOADED,
         Refused(529, "server_error", "overloaded_error", None, Retry.OTHER_KEY)),
        (CHAT, b"data: " + OVERLOADED, Refused(503, "server_error", "overloaded_error", None, Retry.OTHER_KEY)),
        (CHAT, b'data: {"error":{"message":"Slow down","code":429}}',
         Refused(429, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", Retry.OTHER_KEY)),
        (CHAT, b'data: {"error":{"code":"insufficient_quota"}}',
         Refused(429, "insufficient_quota", "billing_error", "insufficient_quota", Retry.OTHER_KEY)),
        (CHAT, b'data: {"error":{"code":"context_length_exceeded","param":"messages"}}',
         Refused(400, "invalid_request_error", "invalid_request_error", "context_length_exceeded", Retry.NEVER)),
        (CHAT, b'data: {"error":{"type":"invalid_api_key"}}',
         Refused(502, "server_error", "api_error", "upstream_auth", Retry.OTHER_KEY)),
        (CHAT, b'data: {"error":"Something went wrong"}',
         Refused(502, "server_error", "api_error", None, Retry.OTHER_KEY)),
        (RESPONSES, b'event: error\ndata: {"type":"error","code":"server_error","message":"x"}', SERVER_ERROR),
        (RESPONSES, b'data: {"type":"response.failed","response":{"error":{"code":"server_error"}}}', SERVER_ERROR),
        (RESPONSES, b'data: {"type":"response.failed","response":{"error":null}}', SERVER_ERROR),
    ],
)  # fmt: skip
def test_a_first_event_that_is_an_error_is_judged_by_its_kind(dialect: Dialect, block: bytes, facts: Refused) -> None:
    assert refused(dialect, block + b"\n\n") == facts


@every_dialect
def test_an_event_named_error_is_one_whatever_its_data(dialect: Dialect) -> None:
    bare = Refused(502, "server_error", "api_error", None, Retry.OTHER_KEY)
    assert refused(dialect, b'event: error\ndata: {"reason":"?"}\n\n') == bare


@every_dialect
def test_an_event_named_error_is_judged_by_the_words_beside_each_other(dialect: Dialect) -> None:
    block = b'event: error\ndata: {"message":"Slow down","code":"rate_limit_exceeded"}\n\n'
    assert refused(dialect, block).status == 429


@every_dialect
def test_what_is_held_has_a_bound(dialect: Dialect) -> None:
    gate = FirstEvent(DIALECTS[dialect])
    comment = b":" + b"x" * (MAX_EVENT_BYTES - 3) + b"\n\n"
    assert gate.feed(comment) is None
    with pytest.raises(UpstreamError, match="more than 16777216 bytes"):
        gate.feed(b":\n\n")


@every_dialect
def test_an_error_gives_nothing_out_and_does_not_begin_the_stream(dialect: Dialect) -> None:
    transform = PassingStream(DIALECTS[dialect], REQUEST_ID)
    with pytest.raises(UpstreamError):
        transform.feed(SILENT[0] + b'event: error\ndata: {"error":{"message":"x"}}\n\n')
    assert not transform.has_begun
