"""The parts that make a dialect, as one value; `registry` holds one for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass

from relay.errors import ErrorFacts
from relay.formats.sse import Event
from relay.model import Dialect


@dataclass(frozen=True, slots=True)
class DialectParts:
    """What the relay must know of a wire format to pass it on and to end it truthfully."""

    dialect: Dialect
    error_body: Callable[[ErrorFacts, str], bytes]
    """(facts, request id) -> the JSON body of an error answer."""
    error_event: Callable[[ErrorFacts, str, bytes], bytes]
    """(facts, request id, the last events sent) -> the event that ends a broken stream, as SDKs recognise it."""
    end_mark: re.Pattern[bytes]
    """Found in every terminal event, and elsewhere only by chance: where to look."""
    is_end: Callable[[Event], bool]
    """Whether this is the stream's terminal event."""
    end_is_bare: bool
    """Whether the terminal event carries nothing of the answer, so that a stream of it alone is empty."""
    error_words: tuple[bytes, ...]
    """Events without any of these report no error: a search that costs next to nothing."""
    raises_in_sdk: Callable[[Event], bool]
    """Whether the dialect's official SDK raises at this event: then the client knows, and nothing may follow."""
    finished_choices: Callable[[bytes], Set[int]] | None
    """The indexes of the choices that a block tells to be finished; None where only the end mark counts."""
    end_event: bytes
    """What is added when everything was finished and only the end mark is missing; empty: then it is a break."""
    answer_key: str
    """A key that every plain answer has and no error body has."""
    overloaded_status: int
    """How this dialect's clients are told that a provider is overloaded (Anthropic's own status is 529)."""
