"""The parts that make a dialect, as one value; `registry` holds one for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass

from relay.errors import ErrorFacts
from relay.formats.sse import Event

TYPED_ERROR_MARK = re.compile(
    rb'(?:^|(?<=[\r\n]))(?:event: ?error(?=[\r\n])|data: ?\{\s*"(?:type"\s*:\s*"error"|error"\s*:))'
)
"""An error event of the dialects whose events have a type: by its `event:` line, or as the first field of its data."""


@dataclass(frozen=True, slots=True)
class DialectParts:
    """What the relay must know of a wire format to pass it on and to end it truthfully."""

    error_body: Callable[[ErrorFacts, str], bytes]
    """(facts, request id) -> the JSON body of an error answer."""
    error_event: Callable[[ErrorFacts, str, bytes], bytes]
    """(facts, request id, the last events sent) -> the event that ends a broken stream, as SDKs recognise it."""
    end_words: tuple[bytes, ...]
    """A block without any of these holds no end mark: a search that costs next to nothing."""
    is_end: Callable[[Event], bool]
    """Whether this is the stream's terminal event."""
    end_is_bare: bool
    """Whether the terminal event carries nothing of the answer, so that a stream of it alone is empty."""
    error_word: bytes
    """A block without this holds no error event."""
    error_mark: re.Pattern[bytes]
    """Matches wherever an error event may be; what it finds is read before it is believed."""
    errors_are_named: bool
    """Whether SDKs see an error only where the `event:` line says so, whatever the data say."""
    finished_choices: Callable[[bytes], Set[int]] | None
    """The indexes of the choices that a block tells to be finished; None where only the end mark counts."""
    end_event: bytes
    """What is added when everything was finished and only the end mark is missing; empty: then it is a break."""
    answer_key: str
    """A key that every plain answer has and no error body has."""
    overloaded_status: int
    """How this dialect's clients are told that a provider is overloaded (Anthropic's own status is 529)."""
