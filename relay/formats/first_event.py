"""The gate in front of a stream: nothing passes until the first event that says something has been read and judged.

Until then the client's answer has not begun, so a failure can still be another attempt, or an error with a true status.
"""

from __future__ import annotations

from collections.abc import Callable

from relay import faults
from relay.formats.dialect import DialectParts
from relay.formats.event_data import read_data
from relay.formats.sse import MAX_EVENT_BYTES, Event, read_event, split_events
from relay.formats.upstream_errors import NO_WORDS, read_loose_words, read_words
from relay.formats.verdict import judged

_SAYS_NOTHING = frozenset({"ping"})
"""Anthropic's keepalive, which may come anywhere."""


class FirstEvent:
    """Holds blocks of complete events until one of them counts, then lets go of all that was held."""

    def __init__(self, parts: DialectParts, hide: Callable[[bytes], bytes] | None = None) -> None:
        self._parts = parts
        self._hide = hide
        self._held = bytearray()

    def feed(self, block: bytes) -> bytes | None:
        """Give all bytes so far once the first event is there and good; None before that.

        Raises UpstreamError when it is an error, no JSON, or the end of a stream that had nothing in it.
        """
        for raw in split_events(block):
            event = read_event(raw)
            if event.data is not None and event.name not in _SAYS_NOTHING and not self._hides(raw):
                self._judge(event)
                return bytes(self._held) + block if self._held else block
        self._held += block
        if len(self._held) > MAX_EVENT_BYTES:
            raise faults.event_too_large(MAX_EVENT_BYTES)
        return None

    def _hides(self, raw: bytes) -> bool:
        return self._hide is not None and not self._hide(raw)

    def _judge(self, event: Event) -> None:
        if self._parts.end_is_bare and self._parts.is_end(event):
            raise faults.empty()
        document = read_data(event)
        if document is None:
            raise faults.bad_event()
        is_named_error = event.name == "error"  # Then the data need not look like an error as well.
        words = read_loose_words(document) or NO_WORDS if is_named_error else read_words(document)
        if words is not None:
            raise judged(words.status or 502, words, self._parts)
