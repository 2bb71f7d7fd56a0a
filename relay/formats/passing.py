"""Streams whose dialect is the client's own: complete events pass as the bytes that they are.

One event may be taken out (the usage chunk that the client did not ask for), and one may be added (a missing end
mark). Everything else is only looked at, and in bytes: JSON is read where a cheap search found something to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson

from relay import faults
from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.first_event import FirstEvent
from relay.formats.sse import EventSplitter, read_event, split_events
from relay.formats.upstream_errors import read_words


class Transform(Protocol):
    """What stands between an upstream's bytes and the client's. `feed` and `finish` raise UpstreamError."""

    has_begun: bool
    """The first event has been judged and is good: what comes out from here on may be sent."""
    has_ended: bool
    """The terminal event came out: nothing may follow."""

    def feed(self, data: bytes, /) -> bytes:
        """Take bytes of the upstream, give those that may go to the client now."""
        ...

    def finish(self) -> bytes:
        """The upstream ended cleanly: give what is left, or raise because the answer isn't whole."""
        ...

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        """How a break is told in the stream; None where it can't be, and the connection must be broken off."""
        ...


class PassingStream:
    """Server-sent events of one dialect, unchanged.

    `choices` is how many choices the request asked for: only when all are finished may a missing end mark be added.
    `is_hidden` says of one raw event that the client must not see it; None: it sees all.
    """

    def __init__(
        self,
        parts: DialectParts,
        request_id: str,
        *,
        choices: int = 1,
        is_hidden: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._parts = parts
        self._request_id = request_id
        self._choices = choices
        self._is_hidden = is_hidden
        self._splitter = EventSplitter()
        self._gate = FirstEvent(parts)
        self._finished_choices = 0
        self._told_an_error = False
        self._last_block = b""
        self.has_begun = False
        self.has_ended = False

    def feed(self, data: bytes, /) -> bytes:
        if self.has_ended:
            return b""
        block = self._splitter.feed(data)
        return self._admit(block) if block else b""

    def _admit(self, block: bytes) -> bytes:
        if self.has_begun:
            return self._look(block)
        opened = self._gate.feed(block)
        if opened is None:
            return b""
        self.has_begun = True
        return self._look(opened)

    def _look(self, block: bytes) -> bytes:
        parts = self._parts
        for word in parts.end_words:
            if word in block:
                block = self._cut_behind_end(block)
                break
        if parts.finish_mark is not None:
            self._finished_choices += len(parts.finish_mark.findall(block))
        if parts.error_word in block and parts.error_mark.search(block):
            self._told_an_error |= any(map(_is_error, split_events(block)))
        self._last_block = block
        if self._is_hidden is not None and b'"usage"' in block:
            return b"".join(raw for raw in split_events(block) if not self._is_hidden(raw))
        return block

    def _cut_behind_end(self, block: bytes) -> bytes:
        mark = self._parts.end_mark.search(block)
        if mark is None:
            return block
        self.has_ended = True
        return block[: mark.start()] + split_events(block[mark.start() :])[0]

    def finish(self) -> bytes:
        rest = b"" if self.has_ended else self._finish_tail()
        return rest + self._missing_end()

    def _missing_end(self) -> bytes:
        """What the end lacks: nothing as a rule, an end mark where all else is there. Raises where it is a break."""
        if self.has_ended or self._told_an_error:
            return b""
        if not self.has_begun:
            raise faults.empty()
        if not self._parts.end_event or self._finished_choices < self._choices:
            raise faults.truncated()
        self.has_ended = True
        return self._parts.end_event

    def _finish_tail(self) -> bytes:
        """The last event where only its empty line is missing. Half an event is a break, a comment is nothing."""
        tail = self._splitter.tail
        data = read_event(tail).data
        if data is None:
            if tail.strip() and not tail.lstrip().startswith(b":"):
                raise faults.truncated()
            return b""
        if data != b"[DONE]" and not _is_json(data):
            raise faults.truncated()
        return self._admit(tail + b"\n\n")

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        return self._parts.error_event(facts, self._request_id, self._last_block)


class Verbatim:
    """A body that is no event stream: bytes in, bytes out; its break can only be told by breaking off."""

    def __init__(self) -> None:
        self.has_begun = True
        self.has_ended = False

    def feed(self, data: bytes, /) -> bytes:
        return data

    def finish(self) -> bytes:
        self.has_ended = True
        return b""

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        return None


def _is_error(raw: bytes) -> bool:
    event = read_event(raw)
    if event.name == "error":
        return True
    try:
        return read_words(orjson.loads(event.data or b"")) is not None
    except orjson.JSONDecodeError:
        return False


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
