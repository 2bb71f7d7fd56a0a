"""Cutting and reading of event streams, held against a second reader that is slow and plain."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import UpstreamError
from relay.formats.sse import (
    MAX_EVENT_BYTES,
    Event,
    EventSplitter,
    find_events,
    is_silent,
    read_event,
    split_events,
    write_event,
)
from tests.formats import reference
from tests.formats.reference import Message
from tests.formats.streams import Golden, cut, cuts, every_golden, single_bytes

MIB = 1024 * 1024
FRAGMENTS = [b"\r", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"data: a", b"data:", b"data", b"event: b", b": c",
             b"id: 1", b" ", "\u2028\u0085é".encode(), b"\xff", b"data: [DONE]"]  # fmt: skip


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Lines of all kinds with line ends of all kinds, in any order; with and without a BOM in front."""
    fragments = draw(st.lists(st.sampled_from(FRAGMENTS), max_size=30))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + b"".join(fragments)


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    """Such a stream in pieces."""
    return draw(cuts(draw(streams())))


def read_all(block: bytes) -> list[Message]:
    """What the code under test reads in complete events."""
    events = map(read_event, split_events(block))
    return [Message(event.name, event.data) for event in events if event.name or event.data is not None]


def settled(stream: bytes) -> bytes:
    """The stream without a last CR that may be half of a line end: its event is given with the other half."""
    return stream[:-1] if stream.endswith(b"\n\r") else stream


@given(pieces=cut_streams())
def test_what_is_fed_is_what_came_out_and_the_tail(pieces: list[bytes]) -> None:
    splitter = EventSplitter()
    given_out = b"".join(map(splitter.feed, pieces))
    assert given_out + splitter.tail == b"".join(pieces)


@given(pieces=cut_streams())
def test_what_came_out_always_ends_between_two_events(pieces: list[bytes]) -> None:
    splitter, given_out = EventSplitter(), b""
    boundaries = reference.boundaries(b"".join(pieces))
    for piece in pieces:
        given_out += splitter.feed(piece)
        assert len(given_out) in boundaries


@given(pieces=cut_streams())
def test_every_event_comes_out_with_the_piece_that_ends_it(pieces: list[bytes]) -> None:
    splitter, fed, given_out = EventSplitter(), b"", b""
    for piece in pieces:
        fed += piece
        given_out += splitter.feed(piece)
        assert reference.read(given_out) == reference.read(settled(fed))


@given(pieces=cut_streams())
def test_every_cut_gives_the_events_that_the_reference_reads(pieces: list[bytes]) -> None:
    splitter = EventSplitter()
    events = [message for piece in pieces for message in read_all(splitter.feed(piece))]
    assert events == reference.read(settled(b"".join(pieces)))


@given(block=streams())
def test_split_events_add_up_to_the_block(block: bytes) -> None:
    assert b"".join(split_events(block)) == block


@given(block=streams(), pattern=st.sampled_from([rb"data", rb"event: a", rb"[a-z]", rb":"]))
def test_found_events_are_those_of_all_in_which_the_pattern_is(block: bytes, pattern: bytes) -> None:
    mark = re.compile(pattern)
    expected, end = [], 0
    for event in split_events(block):
        end += len(event)
        if mark.search(event):
            expected.append((event.lstrip(b"\r\n"), end))  # Empty lines in front of an event belong to nobody.
    assert [(block[start:end].lstrip(b"\r\n"), end) for start, end in find_events(block, mark)] == expected


@every_golden
def test_a_golden_stream_a_byte_at_a_time_gives_the_events_of_the_whole(golden: Golden) -> None:
    splitter = EventSplitter()
    events = [message for piece in single_bytes(golden.stream) for message in read_all(splitter.feed(piece))]
    assert events == reference.read(golden.stream)


@every_golden
def test_every_prefix_of_a_golden_stream_comes_out_up_to_its_last_event(golden: Golden) -> None:
    stream = golden.stream
    boundaries = reference.boundaries(stream)
    for size in range(len(stream) + 1):
        out = EventSplitter().feed(stream[:size])
        assert len(out) == max(end for end in boundaries if end <= len(settled(stream[:size])))


@given(data=st.data(), line_end=st.sampled_from([b"\r", b"\r\n"]))
def test_cr_lf_and_crlf_agree(data: st.DataObject, line_end: bytes) -> None:
    lines = data.draw(st.lists(st.sampled_from([b"", b"data: a", b"data: b", b"event: c", b": d"]), max_size=20))
    stream = line_end.join([*lines, b"", b""])
    splitter = EventSplitter()
    events = [message for piece in data.draw(cuts(stream)) for message in read_all(splitter.feed(piece))]
    assert events == reference.read(b"\n".join([*lines, b"", b""]))


def test_a_crlf_event_comes_out_whole_when_its_last_line_end_is_cut_in_two() -> None:
    splitter = EventSplitter()
    assert [splitter.feed(piece) for piece in (b"data: a\r\n\r", b"\n")] == [b"", b"data: a\r\n\r\n"]


def test_a_lone_cr_ends_a_crlf_event_once_something_else_follows() -> None:
    splitter = EventSplitter()
    assert [splitter.feed(piece) for piece in (b"data: a\r\n\r", b"d")] == [b"", b"data: a\r\n\r"]


def test_events_before_half_a_line_end_are_not_held_with_it() -> None:
    assert EventSplitter().feed(b"data: a\r\n\r\ndata: b\r\n\r") == b"data: a\r\n\r\n"


def test_a_cr_event_comes_out_without_waiting_for_the_next_byte() -> None:
    assert EventSplitter().feed(b"data: a\r\r") == b"data: a\r\r"


def test_an_lf_behind_a_cr_that_is_already_out_follows_at_once() -> None:
    splitter = EventSplitter()
    assert [splitter.feed(piece) for piece in (b"data: a\r\r", b"\n", b"data")] == [b"data: a\r\r", b"\n", b""]


def test_data_that_end_in_a_lone_cr_wait_for_their_empty_line() -> None:
    splitter = EventSplitter()
    assert [splitter.feed(piece) for piece in (b"data: a\r", b"\n", b"\r\n")] == [b"", b"", b"data: a\r\n\r\n"]


def test_whole_events_come_out_as_the_very_bytes_that_went_in() -> None:
    read = b"data: a\n\ndata: b\n\n"
    assert EventSplitter().feed(read) is read


def test_an_event_of_ten_mib_comes_out_whole_however_small_the_writes() -> None:
    """Twenty thousand of the writes are single bytes behind nine MiB: searching all of these again would take hours."""
    event = b"data: " + b"x" * (10 * MIB) + b"\n\n"
    luck = random.Random(10)
    splitter = EventSplitter()
    out, position = b"", 0
    while position < len(event):
        is_slow = 9 * MIB <= position < 9 * MIB + 20_000
        size = 1 if is_slow else luck.randint(1, 64 * 1024)
        out += splitter.feed(event[position : position + size])
        position += size
    assert out == event


def test_an_unfinished_event_of_the_largest_size_is_held() -> None:
    assert EventSplitter().feed(b"x" * MAX_EVENT_BYTES) == b""


@pytest.mark.parametrize("sizes", [[MAX_EVENT_BYTES + 1], [MIB] * 17, [MAX_EVENT_BYTES, 1]])
def test_an_unfinished_event_of_a_byte_more_is_refused(sizes: list[int]) -> None:
    pieces = (b"x" * size for size in sizes)
    with pytest.raises(UpstreamError) as caught:
        b"".join(map(EventSplitter().feed, pieces))
    assert caught.value.facts.code == "event_too_large"


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (b"data: a\n\n", Event("", b"a")),
        (b"data:a\n\n", Event("", b"a")),
        (b"data:  a \n\n", Event("", b" a ")),
        (b"data: a: b\n\n", Event("", b"a: b")),
        (b"data\n\n", Event("", b"")),
        (b"data: a\ndata: b\n\n", Event("", b"a\nb")),
        (b"event: one\nevent: two\ndata: a\n\n", Event("two", b"a")),
        (b"data: a\nevent\n\n", Event("", b"a")),
        (b"\xef\xbb\xbfdata: a\r\r", Event("", b"a")),
        (b": data: a\n\n", Event("", None)),
        (b"id: 1\nretry: 5\nDATA: a\n data: b\n\n", Event("", None)),
        (b"event: \xff\n\n", Event("\ufffd", None)),
        ("data: \u2028\x85\n\n".encode(), Event("", "\u2028\x85".encode())),
        (b"\n\n", Event("", None)),
    ],
)
def test_an_event_is_read_by_the_standard(raw: bytes, event: Event) -> None:
    assert read_event(raw) == event


@given(data=st.binary().filter(lambda data: not set(data) & set(b"\r\n")), name=st.sampled_from(["", "error", "ping"]))
def test_an_event_that_was_written_is_read_as_it_was(data: bytes, name: str) -> None:
    assert reference.read(write_event(data, name)) == [Message(name, data)]


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\r\n\r", b": c", b":", b": a\n: b\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf: c"]
)
def test_comments_and_empty_lines_are_silent(raw: bytes) -> None:
    assert is_silent(raw)


@pytest.mark.parametrize("raw", [b"d", b": c\ndat", b"\ndata", b" : c", b"id: 1\n", b": c\n\xef\xbb\xbf"])
def test_the_first_letter_of_a_field_is_not_silent(raw: bytes) -> None:
    assert not is_silent(raw)


def test_the_pieces_of_a_cut_are_the_stream() -> None:
    assert cut(b"abc", [2, 0, 2]) == [b"", b"ab", b"", b"c"]
