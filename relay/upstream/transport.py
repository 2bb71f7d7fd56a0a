"""The seam between MonoRelay and the network: what a transport offers, and nothing about how.

A body is *pumped into a sink*: `feed` is a plain call, made as bytes arrive, and answers whether more is wanted.
Nothing above this module knows which transport it has.

    call = await transport.send(request)      # head, or UpstreamError
    ended = await call.pump(sink)             # False: the sink asked for a pause; call pump again to go on
    call.close()                              # always, in a finally; never awaits
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from relay.per_call import record


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each part of one upstream call may take, in seconds."""

    connect_s: float
    first_byte_s: float
    """To the first byte of the answer's body, counted from the moment by which a connection must stand."""
    idle_s: float
    """Between two reads of the body."""
    total_s: float

    def within(self, most_s: float) -> Deadlines:
        """The same, but none of them longer."""
        return Deadlines(*(min(one_s, most_s) for one_s in astuple(self)))


class Connection(enum.Enum):
    """Which connection a call may use."""

    POOLED = "pooled"
    FRESH = "fresh"
    """A new one: the repeat of a call whose pooled connection turned out to be dead."""


class SentHeaders:
    """Headers that go out, and what they look like in HTTP/1.1, which is made once: many calls send the same."""

    __slots__ = ("_lines", "fields")

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict(fields))
        self._lines: str | None = None

    def without(self, name: str) -> SentHeaders:
        """All others."""
        fields = self.fields.copy()
        del fields[name]
        return SentHeaders(fields)

    @property
    def lines(self) -> str:
        """A line for each, ended. Raises ValueError where a value would break out of its line."""
        if self._lines is None:
            made = "".join([f"{name}: {value}\r\n" for name, value in self.fields.items()])
            if breaks_out(made, lines=len(self.fields)):
                raise ValueError("a header of an upstream request holds a line end or a zero byte")
            self._lines = made
        return self._lines


def breaks_out(text: str, *, lines: int) -> bool:
    """Whether there is more in it than so many lines, each with its end."""
    return text.count("\n") != lines or text.count("\r") != lines or "\0" in text


@record(frozen=True, slots=True)
class UpstreamRequest:
    """One request, ready to be sent: nothing is added to it but what HTTP itself needs (Host, Content-Length)."""

    method: str
    url: str
    """With scheme and host, and encoded."""
    headers: SentHeaders
    body: bytes
    deadlines: Deadlines
    connection: Connection = Connection.POOLED
    proxy: str = field(default="", repr=False)
    """URL of the HTTP proxy to go through; empty: none. Only the transport over aiohttp's client knows proxies."""


@record(frozen=True, slots=True)
class Head:
    """The status line and headers of an answer."""

    status: int
    headers: CIMultiDictProxy[str]


class Sink(Protocol):
    """Where the bytes of an answer go."""

    def feed(self, data: bytes, /) -> bool:
        """Take what has arrived. True asks for more, False for a pause; the data are taken in both cases."""
        ...


class UpstreamCall(Protocol):
    """An open call whose head has arrived."""

    @property
    def head(self) -> Head: ...

    async def pump(self, sink: Sink, /) -> bool:
        """Feed the sink until it asks for a pause (False) or the body has ended cleanly (True).

        Raises UpstreamError for every other end: reset, timeout, bad framing, bad compression.
        """
        ...

    def close(self) -> None:
        """Let go of the call, aborting what is still under way. May be called twice; never awaits."""
        ...


class Transport(Protocol):
    """Something that can make calls: a pool of connections, or a provider that is built in."""

    async def send(self, request: UpstreamRequest, /) -> UpstreamCall:
        """Send and wait for the head. Raises UpstreamError when none comes."""
        ...
