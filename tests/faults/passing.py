"""What looks like a fault and is none: framing of every kind, an end mark that is missing or is not the last, usage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from relay.model import Dialect, Usage
from tests.faults.row import STREAMED, Fault, Passed, Row, ScriptFor
from tests.faults.scripts import good, sending
from tests.support.conversation import chat_chunk, event

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
NINE_AND_TWELVE = Usage(input_tokens=9, output_tokens=12)


def joined(change: Callable[[bytes], Iterable[bytes]]) -> ScriptFor:
    """A good stream as one text, changed or cut."""
    return sending(lambda events: change(b"".join(events)))


def byte_by_byte(stream: bytes) -> Iterable[bytes]:
    """The smallest pieces there are."""
    return (bytes([byte]) for byte in stream)


def cut_within_letters(stream: bytes) -> Iterable[bytes]:
    """Between the bytes of each letter that has several."""
    return _cut(stream, [place for place, byte in enumerate(stream) if 0x80 <= byte < 0xC0])


def cut_within_line_ends(stream: bytes) -> Iterable[bytes]:
    """CRLF, each between its two bytes."""
    stream = stream.replace(b"\n", b"\r\n")
    return _cut(stream, [place for place, byte in enumerate(stream) if byte == ord("\n")])


def _cut(stream: bytes, places: Iterable[int]) -> Iterable[bytes]:
    return (stream[start:end] for start, end in pairwise([0, *places, len(stream)]))


def telling(*counts: int) -> ScriptFor:
    """A chat whose last chunks tell nine tokens of input, and so many of output."""
    told = [{"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count} for count in counts]
    chunks = [chat_chunk({"content": ""}, usage=usage) for usage in told]
    return sending(lambda events: [*events[:-2], *chunks, *events[-2:]])


def message_delta(**counts: int) -> bytes:
    """What Anthropic tells of the tokens at the end; all of it is cumulative."""
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return event({"type": "message_delta", "delta": delta, "usage": counts}, "message_delta")


def response_completed() -> bytes:
    """The end mark of Responses, with what it tells of the tokens."""
    usage = {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}
    response = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": [], "usage": usage}
    return event({"type": "response.completed", "sequence_number": 99, "response": response}, "response.completed")


OF_A_STREAM: dict[str, Any] = {"forms": STREAMED, "told": Passed()}

ROWS: tuple[Row, ...] = (
    Fault(number=9, name="one byte a write", script=joined(byte_by_byte), **OF_A_STREAM),
    Fault(number=9, name="cut in the middle of letters", script=joined(cut_within_letters), **OF_A_STREAM),
    Fault(number=9, name="line ends of CRLF, cut in the middle", script=joined(cut_within_line_ends), **OF_A_STREAM),
    Fault(number=9, name="line ends of CR", script=joined(lambda stream: [stream.replace(b"\n", b"\r")]),
          **OF_A_STREAM),
    Fault(number=9, name="all events in one chunk", script=joined(lambda stream: [stream]), **OF_A_STREAM),
    Fault(number=9, name="a byte order mark", script=joined(lambda stream: [b"\xef\xbb\xbf" + stream]),
          **OF_A_STREAM),
    Fault(number=28, name="usage in each chunk, cumulative", dialects=(CHAT,), script=telling(3, 7, 12),
          usage=NINE_AND_TWELVE, **OF_A_STREAM),
    Fault(number=28, name="usage told twice", dialects=(CHAT,), script=telling(12, 12),
          usage=NINE_AND_TWELVE, **OF_A_STREAM),
    Fault(number=28, name="usage at the start and, cumulative, at the end", dialects=(MESSAGES,),
          script=sending(lambda events: [*events[:-2], message_delta(output_tokens=5),
                                         message_delta(input_tokens=9, output_tokens=12), events[-1]]),
          usage=NINE_AND_TWELVE, **OF_A_STREAM),
    Fault(number=28, name="usage in the last event", dialects=(RESPONSES,),
          script=sending(lambda events: [*events[:-1], response_completed()]),
          usage=NINE_AND_TWELVE, **OF_A_STREAM),
    Fault(number=28, name="no usage", dialects=(CHAT, RESPONSES), script=good, usage=None, **OF_A_STREAM),
    Fault(number=29, name="a `finish_reason` and a clean end, and no `[DONE]`", forms=STREAMED, dialects=(CHAT,),
          script=sending(lambda events: events[:-1]), told=Passed("`[DONE]` is added")),
    Fault(number=30, name="more behind the end mark", forms=STREAMED,
          script=sending(lambda events: events * 2), told=Passed("cut behind the first end mark")),
)  # fmt: skip
