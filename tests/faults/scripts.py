"""What the upstreams of the fault table do, on raw sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from relay.model import Dialect
from tests.faults.row import ScriptFor
from tests.support.conversation import DOCUMENTS, EVENTS, event
from tests.support.scripted import Out, Received, Script, answers, streams
from tests.support.sdks import Form

Headers = Sequence[tuple[str, str]]
Act = Callable[[Out], Awaitable[None]]
Beginning = Callable[[Dialect, Form], bytes]

SSE: Headers = (("Content-Type", "text/event-stream"),)
JSON: Headers = (("Content-Type", "application/json"),)
HTML: Headers = (("Content-Type", "text/html"),)
CHUNKED: Headers = (("Transfer-Encoding", "chunked"),)
PAGE = b"<html><head><title>Bad gateway</title></head><body>nginx</body></html>"


def media(form: Form) -> Headers:
    """The type of an answer that is asked for in a form."""
    return JSON if form is Form.PLAIN else SSE


def whole(dialect: Dialect, form: Form) -> bytes:
    """The body of a good answer."""
    return DOCUMENTS[dialect] if form is Form.PLAIN else b"".join(EVENTS[dialect])


def good(dialect: Dialect, form: Form) -> Script:
    """The answer, whole."""
    body = whole(dialect, form)
    return streams([body], media(form)) if form is Form.STREAMED else answers(200, body)


def begun(dialect: Dialect, form: Form) -> bytes:
    """As much of an answer as comes before it breaks in the middle: two events and a half, or half a document."""
    if form is Form.PLAIN:
        return DOCUMENTS[dialect][: len(DOCUMENTS[dialect]) // 2]
    first, second, third, *_ = EVENTS[dialect]
    return first + second + third[: len(third) // 2]


def between_events(dialect: Dialect, form: Form) -> bytes:
    """The same, without the half: nothing shows that there should be more."""
    return b"".join(EVENTS[dialect][:2]) if form is Form.STREAMED else begun(dialect, form)


def always(script: Script) -> ScriptFor:
    """The same in each dialect and form."""
    return lambda dialect, form: script


# What happens on a connection


async def falls_silent(out: Out) -> None:
    """Nothing more, for ever."""
    await out.peer_left()


async def resets(out: Out) -> None:
    """RST."""
    out.abort()


async def closes(out: Out) -> None:
    """FIN."""
    await out.close()


async def ends(out: Out) -> None:
    """The last chunk."""
    await out.chunk(b"")


async def garbles(out: Out) -> None:
    """A chunk whose size is no number."""
    await out.raw(b"zz\r\nnot a chunk\r\n")
    await out.peer_left()


def at_once(act: Act) -> ScriptFor:
    """Before any answer."""

    async def script(request: Received, out: Out) -> None:
        await act(out)

    return always(script)


def behind_the_head(act: Act) -> ScriptFor:
    """Behind the head, and before the first byte of the body."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            await out.head(200, [*media(form), *CHUNKED])
            await act(out)

        return script

    return script_for


def in_the_middle(act: Act, beginning: Beginning = begun) -> ScriptFor:
    """Behind a chunk with the beginning of an answer."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            await out.head(200, [*media(form), *CHUNKED])
            await out.chunk(beginning(dialect, form))
            await act(out)

        return script

    return script_for


def in_the_first_event(act: Act) -> ScriptFor:
    """Behind half of the first event."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            await out.head(200, [*SSE, *CHUNKED])
            await out.chunk(EVENTS[dialect][0][:20])
            await act(out)

        return script

    return script_for


def of_a_length(missing_bytes: int, beginning: Beginning = begun) -> ScriptFor:
    """The beginning of an answer, whose Content-Length promises so many more bytes."""

    def script_for(dialect: Dialect, form: Form) -> Script:
        async def script(request: Received, out: Out) -> None:
            body = beginning(dialect, form)
            await out.head(200, [*media(form), ("Content-Length", str(len(body) + missing_bytes))])
            await out.raw(body)
            await out.close()

        return script

    return script_for


def until_closed(dialect: Dialect, form: Form) -> Script:
    """The beginning of an answer of HTTP/1.0, which ends where the connection does."""

    async def script(request: Received, out: Out) -> None:
        (name, value), *_ = media(form)
        await out.raw(f"HTTP/1.0 200 OK\r\n{name}: {value}\r\n\r\n".encode())
        await out.raw(between_events(dialect, form))
        await out.close()

    return script


# What is answered


def answering(status: int, body: bytes = b"", headers: Headers = JSON) -> ScriptFor:
    """The same answer, whatever is asked."""
    return always(answers(status, body, headers))


def sending(change: Callable[[list[bytes]], Iterable[bytes]], headers: Headers = SSE) -> ScriptFor:
    """A good stream's events, changed: a chunk and a write for each piece."""
    return lambda dialect, form: streams(list(change(list(EVENTS[dialect]))), headers)


@dataclass(frozen=True, slots=True)
class Says:
    """What a provider says of its error, as each dialect says it."""

    openai_type: str
    code: str | None
    anthropic_type: str
    message: str = "The provider's own words."

    def body(self, dialect: Dialect) -> bytes:
        """An error body."""
        return orjson.dumps(self._document(dialect))

    def event(self, dialect: Dialect) -> bytes:
        """An error event."""
        if dialect is Dialect.RESPONSES:
            told = {"type": "error", "code": self.code, "message": self.message, "param": None, "sequence_number": 0}
            return event(told, "error")
        return event(self._document(dialect), "error" if dialect is Dialect.MESSAGES else "")

    def _document(self, dialect: Dialect) -> object:
        if dialect is Dialect.MESSAGES:
            return {"type": "error", "error": {"type": self.anthropic_type, "message": self.message}}
        return {"error": {"message": self.message, "type": self.openai_type, "param": None, "code": self.code}}


def refusing(status: int, says: Says, *headers: tuple[str, str]) -> ScriptFor:
    """An error answer, in the shape of the dialect."""
    return lambda dialect, form: answers(status, says.body(dialect), [*JSON, *headers])


def beginning_with(says: Says, *headers: tuple[str, str]) -> ScriptFor:
    """A stream whose first event is an error."""
    return lambda dialect, form: streams([says.event(dialect)], [*SSE, *headers])
