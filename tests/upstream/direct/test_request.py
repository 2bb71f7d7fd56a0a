"""Requests as bytes, and where they go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.upstream.direct.request import Origin, head_of, place_of
from relay.upstream.transport import Deadlines, SentHeaders, UpstreamRequest

DEADLINES = Deadlines(1, 1, 1, 1)


def request(url: str, *headers: tuple[str, str], method: str = "POST", body: bytes = b"{}") -> UpstreamRequest:
    return UpstreamRequest(method, url, SentHeaders(CIMultiDict(headers)), body, DEADLINES)


def written(made: UpstreamRequest) -> bytes:
    return head_of(made, place_of(made.url))


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("http://h", Origin(False, "h", 80), "h", "/"),
        ("https://h/v1/x", Origin(True, "h", 443), "h", "/v1/x"),
        ("https://h:443/v1", Origin(True, "h", 443), "h", "/v1"),
        ("https://h:80/v1", Origin(True, "h", 80), "h:80", "/v1"),
        ("http://h:8000/a%2Fb?q=%20c+d&q", Origin(False, "h", 8000), "h:8000", "/a%2Fb?q=%20c+d&q"),
        ("http://127.0.0.1:1/x", Origin(False, "127.0.0.1", 1), "127.0.0.1:1", "/x"),
        ("http://[::1]:8000/x", Origin(False, "::1", 8000), "[::1]:8000", "/x"),
        ("http://[::1]/x", Origin(False, "::1", 80), "[::1]", "/x"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: Origin, host: str, target: str) -> None:
    place = place_of(url)
    assert (place.origin, place.host_header, place.target) == (origin, host, target)


def test_a_head_is_a_request_line_a_host_the_headers_and_a_length() -> None:
    made = request("http://h/x?a=1", ("X-B", "2"), ("x-b", "3"), ("A", ""))
    assert written(made) == b"POST /x?a=1 HTTP/1.1\r\nHost: h\r\nX-B: 2\r\nx-b: 3\r\nA: \r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "body", "has_length"),
    [("GET", b"", False), ("GET", b"x", True), ("POST", b"", True), ("DELETE", b"", True)],
)
def test_only_a_get_without_a_body_has_no_length(method: str, body: bytes, has_length: bool) -> None:
    assert (b"Content-Length" in written(request("http://h", method=method, body=body))) is has_length


def test_bytes_that_were_no_text_go_out_as_they_came_in() -> None:
    assert b"\r\nX-A: caf\xe9\xc3\xa9\r\n" in written(request("http://h", ("X-A", "caf\udce9é")))


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\0b", "\r\n\r\nGET / HTTP/1.1"])
@pytest.mark.parametrize("place", ["name", "value"])
def test_nothing_breaks_out_of_its_line(bad: str, place: str) -> None:
    header = (bad, "v") if place == "name" else ("X-A", bad)
    with pytest.raises(ValueError, match="line end or a zero byte") as caught:
        written(request("http://h", header))
    assert "Evil" not in str(caught.value)


@given(values=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_whatever_the_values_are_there_are_as_many_lines_as_headers(values: list[str]) -> None:
    try:
        head = written(request("http://h", *(("X", value) for value in values)))
    except ValueError:
        return
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == len(values) + 4
