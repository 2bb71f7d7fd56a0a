"""Faults before anything of an answer has come: no connection, no head or none in time, one that is too large."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from relay.model import Dialect
from tests.faults.row import COUNTS, DOUBTED, Fault, Passed, Refused, Row, ScriptFor, Unreachable
from tests.faults.scripts import (
    at_once,
    behind_the_head,
    closes,
    falls_silent,
    good,
    media,
    resets,
    whole,
)
from tests.support.scripted import Out, Received, Script
from tests.support.sdks import Form

UNREACHABLE = Refused(502, "server_error", "upstream_unreachable", "api_error")
LATE = Refused(504, "server_error", "upstream_timeout", "timeout_error")
DISCONNECTED = Refused(502, "server_error", "upstream_disconnected", "api_error")
PROTOCOL = Refused(502, "server_error", "upstream_protocol", "api_error")
IMPATIENT = {"connect": 0.1, "first_byte": 0.05}


@contextmanager
def nobody_listens() -> Iterator[str]:
    """A port that is taken, so that nobody else gets it, by a socket that does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def no_such_name() -> Iterator[str]:
    """A name with a label of more than 63 letters (RFC 1035, 2.3.4): nobody has to be asked whether it is there."""
    yield f"http://{'x' * 64}.example"


@contextmanager
def a_busy_port() -> Iterator[str]:
    """A port whose queue of waiting connections is full: Linux then lets further ones wait."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def with_headers(*headers: tuple[str, str]) -> ScriptFor:
    """A good answer with more headers."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            body = whole(dialect, form)
            await out.head(200, [*media(form), *headers, ("Content-Length", str(len(body)))])
            await out.raw(body)

        return script

    return script_for


def behind(interim: bytes) -> ScriptFor:
    """A good answer behind interim ones."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            await out.raw(interim)
            await good(dialect, form)(request, out)

        return script

    return script_for


async def breaks_its_head(out: Out) -> None:
    """The status line and half a header."""
    await out.raw(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await out.close()


async def speaks_no_http(out: Out) -> None:
    """A greeting of another protocol."""
    await out.raw(b"220 mail.example.org ESMTP\r\n")
    await out.close()


ROWS: tuple[Row, ...] = (
    Unreachable(
        number=1, name="the connection is refused", place=nobody_listens,
        tries="u", key=DOUBTED, target="rests 5 s", told=UNREACHABLE,
    ),
    Unreachable(
        number=1, name="its name can't be found", place=no_such_name,
        tries="u", key=DOUBTED, target="rests 5 s", told=UNREACHABLE,
    ),
    Unreachable(
        number=2, name="no connection within `timeout.connect`", place=a_busy_port, timeout={"connect": 0.1},
        tries="u", key=DOUBTED, target="rests 5 s", told=LATE,
    ),
    Fault(
        number=3, name="no head in time", script=at_once(falls_silent), timeout=IMPATIENT,
        tries="u once", key=DOUBTED, target=COUNTS, told=LATE,
    ),
    Fault(
        number=3, name="a head, and no byte of a body in time", script=behind_the_head(falls_silent),
        timeout=IMPATIENT, tries="u once", key=DOUBTED, target=COUNTS, told=LATE,
    ),
    Fault(
        number=4, name="closed before the head", script=at_once(closes),
        tries="s, u", key=DOUBTED, target=COUNTS, told=DISCONNECTED,
    ),
    Fault(
        number=4, name="reset before the head", script=at_once(resets),
        tries="s, u", key=DOUBTED, target=COUNTS, told=DISCONNECTED,
    ),
    Fault(
        number=4, name="closed in the middle of the head", script=at_once(breaks_its_head),
        tries="u", key=DOUBTED, target=COUNTS, told=DISCONNECTED,
    ),
    Fault(
        number=31, name="headers of more than 64 kB", script=with_headers(("X-Long", "x" * 70_000)),
        tries="u", key=DOUBTED, target=COUNTS, told=PROTOCOL,
    ),
    Fault(
        number=31, name="more than 200 headers", script=with_headers(*[("X-Many", "x")] * 200),
        tries="u", key=DOUBTED, target=COUNTS, told=PROTOCOL,
    ),
    Fault(
        number=31, name="an answer that is no HTTP", script=at_once(speaks_no_http),
        tries="u", key=DOUBTED, target=COUNTS, told=PROTOCOL,
    ),
    Fault(
        number=31, name="interim answers (1xx) before the answer", told=Passed("they are left out"),
        script=behind(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    ),
)  # fmt: skip
