"""A request as bytes, and where it goes. Pure.

RFC 9112, 3 "Request Line"; RFC 9110, 7.2 "Host and :authority", 8.6 "Content-Length"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from yarl import URL

from relay.upstream.transport import UpstreamRequest, breaks_out

MAX_PLACES = 1024


class Origin(NamedTuple):
    """Who is connected to: calls to the same origin may share connections."""

    is_tls: bool
    host: str
    """A name or an address, without brackets."""
    port: int


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart."""

    origin: Origin
    host_header: str
    target: str
    """Path and query, as they go into the request line."""


@lru_cache(MAX_PLACES)
def place_of(encoded: str) -> Place:
    """Where a URL leads; for an http or https URL with a host."""
    url = URL(encoded, encoded=True)
    origin = Origin(url.scheme == "https", url.raw_host or "", url.port or 0)
    return Place(origin, url.host_port_subcomponent or "", url.raw_path_qs)


def head_of(request: UpstreamRequest, place: Place) -> bytes:
    """The request line and headers, ended. Raises ValueError where a value would break out of its line."""
    begin = f"{request.method} {place.target} HTTP/1.1\r\nHost: {place.host_header}\r\n"
    if breaks_out(begin, lines=2):
        raise ValueError("the URL of an upstream request holds a line end or a zero byte")
    length = f"Content-Length: {len(request.body)}\r\n" if request.body or request.method != "GET" else ""
    return f"{begin}{request.headers.lines}{length}\r\n".encode("utf-8", "surrogateescape")
