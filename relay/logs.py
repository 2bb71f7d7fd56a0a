"""The log: text or JSON on stderr, one line a call, written by a thread of its own.

A reader of stderr that stalls must not stall the relay, so lines go into a queue with an end; what does not fit is
counted and told. What repeats itself is told at a bounded rate. Nothing here ever sees a body or a credential.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from relay.model import CallRecord

MAX_LINES_WAITING = 10_000
MAX_LINES_PER_S = 10
"""Of one kind (from the same place in the code), but for lines of calls."""
LAST_WORDS_S = 2.0
"""How long the end of the process waits for a reader of stderr that has stalled."""
CALLS = "relay.calls"


class TextFormatter(logging.Formatter):
    """`2026-11-24T10:31:39.123Z WARNING relay.core message`"""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and behind it the traceback where there is one."""
        if record.name == CALLS:
            return record.getMessage()
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_moment(record.created)} {record.levelname} {record.name} {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message"}`, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, always."""
        if record.name == CALLS:
            return record.getMessage()
        document = {
            "time": _moment(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document)  # It takes every text, such as half of a surrogate pair.


FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def _moment(unix_s: float) -> str:
    return _iso(datetime.fromtimestamp(unix_s, UTC))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RateLimit(logging.Filter):
    """Lets so many lines of one kind pass a second; how many were held back is told with the next that passes."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, *, lines_per_s: int = MAX_LINES_PER_S) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._lines_per_s = lines_per_s
        self._kinds: dict[object, tuple[deque[float], list[int]]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Called for each record."""
        if record.name == CALLS:
            return True
        passed, held_back = self._kinds.setdefault(
            (record.name, record.pathname, record.lineno), (deque(maxlen=self._lines_per_s), [0])
        )
        now_s = self._clock_s()
        if len(passed) == self._lines_per_s and now_s - passed[0] < 1:
            held_back[0] += 1
            return False
        passed.append(now_s)
        if held_back[0]:
            record.msg = f"{record.msg} (and {held_back[0]} more like this)"
            held_back[0] = 0
        return True


class _Queueing(logging.handlers.QueueHandler):
    """Puts records into the queue, and counts those that find no room."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def prepare(self, record: logging.LogRecord) -> Any:
        """As it is: the listener is in this process, and formatting is its work."""
        return record


class _Writing(threading.Thread):
    """Takes records from the queue until it finds None."""

    def __init__(self, lines: queue.Queue[logging.LogRecord | None], writer: logging.Handler) -> None:
        super().__init__(name="log", daemon=True)
        self._lines = lines
        self._writer = writer

    def run(self) -> None:
        """Called by the thread."""
        while (record := self._lines.get()) is not None:
            self._writer.handle(record)

    def end(self) -> None:
        """Write what is left; given up where nobody reads it."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=LAST_WORDS_S)
            self.join(LAST_WORDS_S)


@contextmanager
def logging_to(stream: TextIO = sys.stderr, *, level: str, form: str) -> Iterator[None]:
    """Log while inside; on leaving, what has been logged is written."""
    writer = logging.StreamHandler(stream)
    writer.setFormatter(FORMATTERS[form]())
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(MAX_LINES_WAITING)
    entrance = _Queueing(lines)
    entrance.addFilter(RateLimit())
    root = logging.getLogger()
    root.setLevel(level)
    root.addHandler(entrance)
    writing = _Writing(lines, writer)
    writing.start()
    try:
        yield
    finally:
        root.removeHandler(entrance)
        writing.end()
        if entrance.dropped and not writing.is_alive():
            print(f"{entrance.dropped} lines of the log found no room", file=stream)


def set_level(level: str) -> None:
    """Log from this level on, from now on."""
    logging.getLogger().setLevel(level)


class CallLines:
    """Writes the line of each call, many at once: it is the one kind of line that comes with every call."""

    def __init__(self, form: str) -> None:
        self._line = _LINES[form]
        self._log = logging.getLogger(CALLS)

    def tell(self, records: Sequence[CallRecord]) -> None:
        """One line a record."""
        if self._log.isEnabledFor(logging.INFO):
            self._log.info("\n".join(map(self._line, records)))


def _text_line(record: CallRecord) -> str:
    target = record.target
    where = "-" if target is None else f"{target.provider}/{target.model}"
    usage = record.usage
    tokens = "" if usage is None else f" in={usage.input_tokens} out={usage.output_tokens}"
    error = "" if record.error_type is None else f" error={record.error_type}"
    return (
        f"{_iso(record.received_at)} INFO {CALLS} {record.request_id} {record.endpoint}"
        f" {record.status_code} {record.outcome.value} model={_quoted(record.model)} to={_quoted(where)}"
        f" key={record.key_label or '-'} attempts={len(record.attempts)} by={_quoted(record.api_key)}"
        f" from={record.client_ip} ms={record.latency_ms} first_ms={_or_dash(record.first_token_ms)}{tokens}{error}"
    )


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _quoted(text: str | None) -> str:
    """A value on one line, of one word: what a client chose may hold anything."""
    if text is None:
        return "-"
    return text if text.isascii() and text.isprintable() and " " not in text else json.dumps(text)


def _json_line(record: CallRecord) -> str:
    target, usage = record.target, record.usage
    return orjson.dumps(
        {
            "time": _iso(record.received_at),
            "level": "INFO",
            "logger": CALLS,
            "request_id": record.request_id,
            "endpoint": record.endpoint,
            "status_code": record.status_code,
            "outcome": record.outcome.value,
            "streaming": record.is_stream,
            "model": record.model,
            "provider": None if target is None else target.provider,
            "upstream_model": None if target is None else target.model,
            "key_label": record.key_label,
            "attempts": len(record.attempts),
            "api_key": record.api_key,
            "client_ip": record.client_ip,
            "user_agent": record.user_agent,
            "latency_ms": record.latency_ms,
            "first_token_ms": record.first_token_ms,
            "input_tokens": None if usage is None else usage.input_tokens,
            "output_tokens": None if usage is None else usage.output_tokens,
            "error_type": record.error_type,
        }
    ).decode()


_LINES: dict[str, Callable[[CallRecord], str]] = {"text": _text_line, "json": _json_line}
