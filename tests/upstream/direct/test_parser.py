"""Answers in pieces: whatever the cuts, the same head, body and end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import UpstreamError
from relay.upstream.direct.parser import MAX_BODILESS_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, AnswerParser
from tests.support.scripted import cut

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """What a parser made of an answer."""

    status: int | None
    body: bytes
    is_complete: bool
    is_reusable: bool


def seen(pieces: Iterable[bytes]) -> Seen:
    parser, body = AnswerParser(), b""
    for piece in pieces:
        parser.feed(piece)
        body += parser.take()
    status = None if parser.head is None else parser.head.status
    return Seen(status, body, parser.is_complete, parser.is_reusable)


WHOLE = {
    "length": (OK + b"Content-Length: 5\r\n\r\nhello", Seen(200, b"hello", True, True)),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", Seen(200, b"", True, True)),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Seen(204, b"", True, True)),
    "chunks": (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", Seen(200, b"hello", True, True)),
    "extensions": (CHUNKED + b'5;a=1;b="x"\r\nhello\r\n0;c\r\n\r\n', Seen(200, b"hello", True, True)),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", Seen(200, b"hello", True, True)),
    "leading zeros": (CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n", Seen(200, b"hello", True, True)),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", Seen(200, b"hi", True, True)),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\nhi",
        Seen(200, b"hi", True, True),
    ),
    "close": (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", Seen(200, b"hi", True, False)),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Seen(200, b"hi", True, False)),
    "1.0 kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        Seen(200, b"hi", True, True),
    ),
    "until it closes": (OK + b"\r\nhello", Seen(200, b"hello", False, False)),
    "cut head": (OK + b"Content-Le", Seen(None, b"", False, False)),
    "cut body": (OK + b"Content-Length: 9\r\n\r\nhello", Seen(200, b"hello", False, False)),
    "cut end": (CHUNKED + b"5\r\nhello\r\n0\r\n", Seen(200, b"hello", False, False)),
}


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_cuts_change_nothing(name: str, data: st.DataObject) -> None:
    answer, expected = WHOLE[name]
    places = data.draw(st.lists(st.integers(0, len(answer)), max_size=8))
    assert seen(cut(answer, places)) == expected


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_may_come_one_by_one(name: str) -> None:
    answer, expected = WHOLE[name]
    assert seen(answer[place : place + 1] for place in range(len(answer))) == expected


def test_headers_are_kept_as_they_were_sent_and_trailers_are_not() -> None:
    parser = AnswerParser()
    parser.feed(OK + b"X-A: 1\r\nx-a:  caf\xe9 \r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nX-A: 3\r\n\r\n")
    assert parser.head is not None
    assert list(parser.head.headers.items()) == [
        ("X-A", "1"),
        ("x-a", "caf\udce9"),
        ("Transfer-Encoding", "Chunked"),
    ]


def test_interim_headers_are_not_the_answers() -> None:
    parser = AnswerParser()
    parser.feed(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n")
    assert parser.head is not None
    assert "Link" not in parser.head.headers


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"rubbish", b"\0"])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_follows_an_answer_unasked_is_dropped_and_the_connection_given_up(extra: bytes, at_once: bool) -> None:
    answer = OK + b"Content-Length: 2\r\n\r\nhi"
    assert seen([answer + extra] if at_once else [answer, extra]) == Seen(200, b"hi", True, False)


def test_answers_follow_one_another() -> None:
    parser = AnswerParser()
    for body in (b"one", b"three"):
        parser.expect()
        parser.feed(OK + b"X-Is: %s\r\nContent-Length: %d\r\n\r\n%s" % (body, len(body), body))
        assert parser.head is not None
        assert (parser.head.headers["X-Is"], parser.take(), parser.is_reusable) == (body.decode(), body, True)


def test_a_head_is_the_same_after_the_next_answer() -> None:
    parser = AnswerParser()
    parser.feed(OK + b"X-Is: one\r\nContent-Length: 0\r\n\r\n")
    head = parser.head
    parser.expect()
    parser.feed(OK + b"X-Is: two\r\nContent-Length: 0\r\n\r\n")
    assert head is not None
    assert head.headers["X-Is"] == "one"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nx",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        OK + b"Content-Length: -5\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n",
        OK + b"X: " + b"a" * MAX_HEADER_BYTES + b"\r\n\r\n",
        OK + b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(66)) + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
        OK + b"X: a\r\n" * (MAX_HEADERS + 1) + b"\r\n",
        OK + b"X: " + b"a" * (MAX_BODILESS_BYTES + 1),
        OK + b"X : a\r\n\r\n",
        OK + b"X: a\0b\r\n\r\n",
        OK + b"X: a\nY: b\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        seen([answer])
    assert caught.value.facts.code == "upstream_protocol"


def test_a_head_that_never_ends_is_given_up() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nX: %s\r\n\r\n" % (b"a" * 1000)
    with pytest.raises(UpstreamError):
        seen([interim] * (MAX_BODILESS_BYTES // len(interim) + 1))


@pytest.mark.parametrize("bodiless", [b"0\r\nX-Trailer: ", b"1;extension="])
def test_what_is_no_body_is_bounded_too(bodiless: bytes) -> None:
    pieces = [CHUNKED + b"2\r\nhi\r\n" + bodiless, *[b"x" * 1000] * (MAX_BODILESS_BYTES // 1000 + 2)]
    with pytest.raises(UpstreamError) as caught:
        seen(pieces)
    assert caught.value.facts.code == "upstream_protocol"


def test_a_large_body_in_small_chunks_is_not_bounded() -> None:
    count = 3 * MAX_BODILESS_BYTES // 1000
    assert len(seen([CHUNKED, *[b"3e8\r\n%s\r\n" % bytes(1000)] * count]).body) == count * 1000


@pytest.mark.parametrize("bad", [b"xyz\r\n", b"-1\r\n", b"5 5\r\n", b"5\r\nhelloX", b"fffffffffffffffff\r\n", b"\r\n"])
def test_a_malformed_chunk_is_refused_and_what_came_before_can_be_taken(bad: bytes) -> None:
    parser = AnswerParser()
    with pytest.raises(UpstreamError) as caught:
        parser.feed(CHUNKED + b"2\r\nhi\r\n" + bad)
    assert caught.value.facts.code == "upstream_protocol"
    assert parser.take().startswith(b"hi")


@pytest.mark.parametrize(
    ("answer", "is_ended"),
    [
        (b"", False),
        (OK, False),
        (OK + b"\r\n", True),
        (OK + b"Content-Length: 5\r\n\r\n", False),
        (CHUNKED, False),
    ],
)
def test_only_an_answer_without_a_length_ends_with_its_connection(answer: bytes, is_ended: bool) -> None:
    parser = AnswerParser()
    parser.feed(answer)
    assert parser.ends_with_connection is is_ended


@given(
    pieces=st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([OK, CHUNKED, b"\r\n", b"0\r\n\r\n", b"5\r\n"])))
)
def test_no_bytes_do_more_than_to_be_refused(pieces: list[bytes]) -> None:
    parser = AnswerParser()
    with suppress(UpstreamError):
        for piece in pieces:
            parser.feed(piece)
    assert len(parser.take()) <= sum(map(len, pieces))
