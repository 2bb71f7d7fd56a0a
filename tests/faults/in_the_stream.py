"""Faults in the middle of an answer: it stands still, breaks, is garbled, or ends before its end.

Of a plain answer nothing has gone out by then, so that another try may follow and an error has its status.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from json import JSONDecodeError
from typing import Any

from relay.model import Dialect
from tests.faults.row import (
    BOTH,
    COUNTS,
    DOUBTED,
    PLAIN,
    STREAMED,
    Broken,
    BrokenOff,
    Fault,
    Passed,
    Refused,
    Row,
    ScriptFor,
)
from tests.faults.scripts import (
    CHUNKED,
    JSON,
    PAGE,
    SSE,
    answering,
    at_once,
    between_events,
    closes,
    ends,
    falls_silent,
    garbles,
    in_the_first_event,
    in_the_middle,
    media,
    of_a_length,
    resets,
    sending,
    until_closed,
    whole,
)
from tests.support.conversation import EVENTS
from tests.support.scripted import Out, Received, Script, streams
from tests.support.sdks import Form

GZIP = ("Content-Encoding", "gzip")
STALL_S = {"idle": 0.2}


def broken(code: str) -> Broken:
    """An error event that is laid to the provider."""
    return Broken("server_error", code, "api_error")


def refused(code: str, status: int = 502) -> Refused:
    """The same as an answer."""
    return Refused(status, "server_error", code, "api_error")


OF_A_STREAM: dict[str, Any] = {"forms": STREAMED, "target": COUNTS}
"""It began, so the key is fine and nothing is tried again."""
OF_A_PLAIN_ANSWER: dict[str, Any] = {"forms": PLAIN, "tries": "u", "key": DOUBTED, "target": COUNTS}
BEFORE_AN_EVENT: dict[str, Any] = {"forms": STREAMED, "tries": "u", "key": DOUBTED, "target": COUNTS}


def mangled(events: list[bytes]) -> Iterable[bytes]:
    """An event in the middle is no JSON."""
    return [*events[:3], events[3][:-12] + b"\n\n", *events[4:]]


def no_json_at_first(events: list[bytes]) -> Iterable[bytes]:
    """The first event is half of one."""
    return [events[0][: len(events[0]) // 2] + b"\n\n", *events[1:]]


def compressed(dialect: Dialect, form: Form) -> Script:
    """A whole answer, in gzip though nobody asked for it."""
    packed = gzip.compress(whole(dialect, form))
    return streams([packed[:20], packed[20:]], [*media(form), GZIP])


def corrupt_behind_the_beginning(dialect: Dialect, form: Form) -> Script:
    """gzip in two members, of which the first holds two events and the second is none."""
    packed = gzip.compress(b"".join(EVENTS[dialect][:2]))
    return streams([packed + b"\xff" * 100], [*SSE, GZIP])


def coded(coding: str) -> ScriptFor:
    """What is said to be compressed, and is not."""
    return lambda dialect, form: streams([whole(dialect, form)], [*media(form), ("Content-Encoding", coding)])


def closes_behind(size_bytes: int) -> ScriptFor:
    """A document of at least that size, which ends without its last chunk."""

    async def act(out: Out) -> None:
        await out.head(200, [*JSON, *CHUNKED])
        for _ in range(0, size_bytes, 2**20):
            await out.chunk(b" " * 2**20)
        await out.close()

    return at_once(act)


def huge(size_bytes: int, place: int) -> ScriptFor:
    """A stream with one event of about that size, the first or a later one: a comment line within it fills it up."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            events = list(EVENTS[dialect])
            events[place] = b": " + b"x" * size_bytes + b"\n" + events[place]
            await out.head(200, [*SSE, *CHUNKED])
            for event in events:
                await out.chunk(event)
            await out.chunk(b"")

        return script

    return script_for


async def goes_on_for_ever(out: Out) -> None:
    """An event that never ends."""
    await out.head(200, [*SSE, *CHUNKED])
    while True:
        await out.chunk(b"x" * 2**20)


ROWS: tuple[Row, ...] = (
    Fault(number=5, name="it stands still for `timeout.idle` in the middle", script=in_the_middle(falls_silent),
          timeout=STALL_S, told=broken("stream_idle_timeout"), **OF_A_STREAM),
    Fault(number=5, name="it stands still for `timeout.idle` in the middle", script=in_the_middle(falls_silent),
          timeout=STALL_S, told=refused("stream_idle_timeout", 504), **OF_A_PLAIN_ANSWER),
    Fault(number=6, name="reset in the middle", script=in_the_middle(resets),
          told=broken("upstream_disconnected"), **OF_A_STREAM),
    Fault(number=6, name="reset in the middle", script=in_the_middle(resets),
          told=refused("upstream_disconnected"), **OF_A_PLAIN_ANSWER),
    Fault(number=6, name="closed in the middle", script=in_the_middle(closes),
          told=broken("upstream_disconnected"), **OF_A_STREAM),
    Fault(number=6, name="closed in the middle", script=in_the_middle(closes),
          told=refused("upstream_disconnected"), **OF_A_PLAIN_ANSWER),
    Fault(number=6, name="less than its Content-Length", script=of_a_length(100),
          told=broken("upstream_disconnected"), **OF_A_STREAM),
    Fault(number=6, name="less than its Content-Length", script=of_a_length(100),
          told=refused("upstream_disconnected"), **OF_A_PLAIN_ANSWER),
    Fault(number=6, name="closed behind 8 MiB, which have gone out by then", script=closes_behind(9 * 2**20),
          forms=PLAIN, target=COUNTS, told=BrokenOff("upstream_disconnected")),
    Fault(number=6, name="reset in the middle of the first event", script=in_the_first_event(resets),
          told=refused("upstream_disconnected"), **BEFORE_AN_EVENT),
    Fault(number=7, name="a malformed chunk", script=in_the_middle(garbles),
          told=broken("upstream_protocol"), **OF_A_STREAM),
    Fault(number=7, name="a malformed chunk", script=in_the_middle(garbles),
          told=refused("upstream_protocol"), **OF_A_PLAIN_ANSWER),
    Fault(number=8, name="the first event is no JSON", script=sending(no_json_at_first), forms=STREAMED,
          tries="k, u", key=DOUBTED, target=COUNTS, told=refused("bad_upstream_event")),
    Fault(number=8, name="an HTML page where events are due", script=answering(200, PAGE, SSE), forms=STREAMED,
          tries="k, u", key=DOUBTED, target=COUNTS, told=refused("bad_upstream_event")),
    Fault(number=8, name="a later event is no JSON", script=sending(mangled), forms=STREAMED,
          told=Passed(raises=JSONDecodeError)),
    Fault(number=10, name="an event of 10 MB", script=huge(10_000_000, 1), forms=STREAMED, told=Passed()),
    Fault(number=10, name="an event of more than 16 MB", script=huge(17_000_000, 2),
          told=broken("event_too_large"), **OF_A_STREAM),
    Fault(number=10, name="a first event of more than 16 MB", script=at_once(goes_on_for_ever), forms=STREAMED,
          key=DOUBTED, target=COUNTS, told=refused("event_too_large")),
    Fault(number=11, name="compressed, though nobody asked for it", script=compressed, told=Passed("it is decoded")),
    Fault(number=11, name="said to be compressed, and corrupt", script=coded("gzip"), forms=BOTH,
          tries="u", key=DOUBTED, target=COUNTS, told=refused("upstream_protocol")),
    Fault(number=11, name="a coding that nobody knows", script=coded("x-unknown"), forms=BOTH,
          tries="u", key=DOUBTED, target=COUNTS, told=refused("upstream_protocol")),
    Fault(number=11, name="compressed, and corrupt in the middle", script=corrupt_behind_the_beginning,
          told=broken("upstream_protocol"), **OF_A_STREAM),
    Fault(number=12, name="a last chunk before the end mark", script=in_the_middle(ends, between_events),
          told=broken("stream_truncated"), **OF_A_STREAM),
    Fault(number=12, name="a last chunk in the middle of an event", script=in_the_middle(ends),
          told=broken("stream_truncated"), **OF_A_STREAM),
    Fault(number=12, name="a Content-Length that ends before the end mark", script=of_a_length(0, between_events),
          told=broken("stream_truncated"), **OF_A_STREAM),
    Fault(number=12, name="HTTP/1.0 without a length, closed before the end mark", script=until_closed,
          told=broken("stream_truncated"), **OF_A_STREAM),
    Fault(number=12, name="a last chunk in the middle of the document", script=in_the_middle(ends), forms=PLAIN,
          tries="k, u", key=DOUBTED, target=COUNTS, told=refused("bad_upstream_event")),
    Fault(number=12, name="HTTP/1.0 without a length, closed in the middle of the document", script=until_closed,
          forms=PLAIN, tries="k, u", key=DOUBTED, target=COUNTS, told=refused("bad_upstream_event")),
)  # fmt: skip
