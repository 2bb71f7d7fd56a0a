"""Streams whose dialect is the client's own: complete events pass as the bytes that they are.

One event may be taken out (the usage chunk that the client did not ask for), and one may be added (a missing end
mark). Everything else is only looked at, and in bytes: JSON is read where a cheap search found something to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relay import faults
from relay.errors import ErrorFacts
from relay.formats.dialect import DialectParts
from relay.formats.event_data import read_data
from relay.formats.first_event import FirstEvent
from relay.formats.scrub import Scrub
from relay.formats.sse import EventSplitter, find_events, is_silent, read_event, split_events
from relay.formats.upstream_errors import may_tell_an_error
from relay.formats.usage import UsageTap
from relay.model import Usage

NOTHING_SECRET = Scrub()


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

    def usage(self) -> Usage | None:
        """What has been told of the tokens so far; None: nothing."""
        ...

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        """How a break is told in the stream; None where it can't be, and the connection must be broken off."""
        ...


class PassingStream:
    """Server-sent events of one dialect, unchanged.

    `choices` is how many choices the request asked for: only when all are finished may a missing end mark be added.
    `hide` takes those events with a usage object out of some that the client must not see; None: it sees all.
    `scrub` cleans error events.
    """

    def __init__(
        self,
        parts: DialectParts,
        request_id: str,
        *,
        choices: int = 1,
        hide: Callable[[bytes], bytes] | None = None,
        scrub: Scrub = NOTHING_SECRET,
    ) -> None:
        self._parts = parts
        self._request_id = request_id
        self._choices = choices
        self._hide = hide
        self._scrub = scrub
        self._splitter = EventSplitter()
        self._tap = UsageTap(parts.dialect)
        self._gate = FirstEvent(parts, hide)
        self._finished_choices: set[int] = set()
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
        if any(word in block for word in parts.error_words) and may_tell_an_error(block):
            block = self._look_for_errors(block)
        block = self._cut_behind_end(block)
        tells_usage = self._tap.look(block)  # Behind the cut: what follows the end mark does not count.
        if parts.finished_choices is not None:
            self._finished_choices |= parts.finished_choices(block)
        if b"data" in block:  # A comment has no number, so the last events of an answer are still those before it.
            self._last_block = block
        return self._hide(block) if tells_usage and self._hide is not None else block

    def _look_for_errors(self, block: bytes) -> bytes:
        """The block up to and with the first error that SDKs raise; the operator's secrets are taken out of any."""
        passed = []
        for raw in split_events(block):
            is_suspect = may_tell_an_error(raw)
            passed.append(self._scrub.data(raw) if is_suspect else raw)
            if is_suspect and self._parts.raises_in_sdk(read_event(raw)):
                self._told_an_error = self.has_ended = True
                break
        return b"".join(passed)

    def _cut_behind_end(self, block: bytes) -> bytes:
        """The block up to and with the terminal event; all of it where only something in it is called like one."""
        for start, end in find_events(block, self._parts.end_mark):
            if self._parts.is_end(read_event(block[start:end])):
                self.has_ended = True
                return block[:end]
        return block

    def finish(self) -> bytes:
        rest = b"" if self.has_ended else self._finish_tail()
        return rest + self._missing_end()

    def _missing_end(self) -> bytes:
        """What the end lacks: nothing as a rule, an end mark where all else is there. Raises where it is a break."""
        if self.has_ended:
            return b""
        if not self.has_begun:
            raise faults.empty()
        if not self._parts.end_event or len(self._finished_choices) < self._choices:
            raise faults.truncated()
        self.has_ended = True
        return self._parts.end_event

    def _finish_tail(self) -> bytes:
        """The last event where only its empty line is missing. Half an event is a break, a comment is nothing."""
        tail = self._splitter.tail
        if is_silent(tail):
            return b""
        event = read_event(tail)
        if event.data is None and not self.has_begun:
            raise faults.bad_event()  # No data at all: an HTML page, say.
        if event.data != b"[DONE]" and read_data(event) is None:
            raise faults.truncated()
        return self._admit(tail + b"\n\n")

    def usage(self) -> Usage | None:
        return self._tap.usage()

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        if self._told_an_error:
            return b""  # The provider has told the client itself; nothing may follow an error.
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

    def usage(self) -> Usage | None:
        return None

    def error_event(self, facts: ErrorFacts, /) -> bytes | None:
        return None
