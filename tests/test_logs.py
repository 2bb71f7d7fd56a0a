"""The log: its forms, its one line a call, and what it does when there is too much of it."""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from relay.logs import CALLS, MAX_LINES_PER_S, MAX_LINES_WAITING, CallLines, RateLimit, logging_to
from relay.model import AttemptRecord, CallRecord, Dialect, Outcome, Target, Usage

TARGET = Target("one", "inner")
FIELDS: dict[str, Any] = {
    "call_id": "call-1",
    "request_id": "req_1",
    "received_at": datetime(2026, 7, 1, 12, 0, 0, 123_000, tzinfo=UTC),
    "api_key": "main",
    "client_ip": "192.0.2.1",
    "user_agent": "curl/8",
    "endpoint": "/v1/chat/completions",
    "dialect": Dialect.CHAT,
    "model": "m",
    "target": TARGET,
    "key_label": "k1",
    "attempts": (AttemptRecord(TARGET, "k1", 200, None, 5),),
    "status_code": 200,
    "outcome": Outcome.COMPLETE,
    "is_stream": True,
    "first_token_ms": 7,
    "latency_ms": 9,
    "usage": Usage(input_tokens=3, output_tokens=4),
    "error_type": None,
}
NOBODY_ASKED: dict[str, Any] = {
    "model": None, "target": None, "key_label": None, "attempts": (), "status_code": 400, "first_token_ms": None,
    "outcome": Outcome.REJECTED, "usage": None, "error_type": "invalid_request_error",
}  # fmt: skip
NASTY = ["a\nb", "a\r\nINFO forged", "\x1b[31m", "two words", "Grüße", "\0", 'quote"']


def record_of(**more: Any) -> CallRecord:
    return CallRecord(**{**FIELDS, **more})


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger, and the root's level as it was."""
    root = logging.getLogger()
    level = root.level
    yield logging.getLogger("relay.test")
    root.setLevel(level)


def logged_calls(form: str, *records: CallRecord, level: str = "INFO") -> str:
    stream = io.StringIO()
    with logging_to(stream, level=level, form=form):
        CallLines(form).tell(records)
    return stream.getvalue()


def test_a_text_line_says_when_how_grave_where_and_what(log: logging.Logger) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="INFO", form="text"):
        log.warning("%d of %s", 2, "them")
    moment, _, rest = stream.getvalue().partition(" ")
    assert rest == "WARNING relay.test 2 of them\n"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)


def test_a_json_line_says_when_how_grave_where_and_what(log: logging.Logger) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="INFO", form="json"):
        log.warning("%d of %s\nand more", 2, "them")
    (line,) = stream.getvalue().splitlines()
    document = orjson.loads(line)
    assert document.pop("time").endswith("Z")
    assert document == {"level": "WARNING", "logger": "relay.test", "message": "2 of them\nand more"}


def failing(log: logging.Logger) -> None:
    try:
        raise KeyError("lost")
    except KeyError:
        log.exception("it failed")


def test_a_traceback_in_json_is_in_its_one_line(log: logging.Logger) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="INFO", form="json"):
        failing(log)
    (line,) = stream.getvalue().splitlines()
    document = orjson.loads(line)
    assert document["message"] == "it failed"
    assert document["traceback"].endswith("KeyError: 'lost'")


def test_a_traceback_in_text_stands_behind_its_line(log: logging.Logger) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="INFO", form="text"):
        failing(log)
    first, *_, last = stream.getvalue().splitlines()
    assert first.endswith("ERROR relay.test it failed")
    assert last == "KeyError: 'lost'"


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_below_the_level_are_not_written(log: logging.Logger, form: str) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="WARNING", form=form):
        log.info("less")
        log.warning("more")
    assert stream.getvalue().count("\n") == 1
    assert "more" in stream.getvalue()


def test_nothing_is_written_before_or_behind(log: logging.Logger) -> None:
    stream = io.StringIO()
    log.warning("before")
    with logging_to(stream, level="INFO", form="text"):
        pass
    log.warning("behind")
    assert stream.getvalue() == ""


def test_a_call_is_one_line_of_text() -> None:
    assert logged_calls("text", record_of()) == (
        "2026-07-01T12:00:00.123Z INFO relay.calls req_1 /v1/chat/completions 200 complete model=m to=one/inner"
        " key=k1 attempts=1 by=main from=192.0.2.1 ms=9 first_ms=7 in=3 out=4\n"
    )


def test_a_call_that_reached_nobody_is_one_line_of_text() -> None:
    assert logged_calls("text", record_of(**NOBODY_ASKED)) == (
        "2026-07-01T12:00:00.123Z INFO relay.calls req_1 /v1/chat/completions 400 rejected model=- to=-"
        " key=- attempts=0 by=main from=192.0.2.1 ms=9 first_ms=- error=invalid_request_error\n"
    )


def test_a_call_is_one_line_of_json() -> None:
    (line,) = logged_calls("json", record_of()).splitlines()
    assert orjson.loads(line) == {
        "time": "2026-07-01T12:00:00.123Z", "level": "INFO", "logger": "relay.calls", "request_id": "req_1",
        "endpoint": "/v1/chat/completions", "status_code": 200, "outcome": "complete", "streaming": True,
        "model": "m", "provider": "one", "upstream_model": "inner", "key_label": "k1", "attempts": 1,
        "api_key": "main", "client_ip": "192.0.2.1", "user_agent": "curl/8", "latency_ms": 9, "first_token_ms": 7,
        "input_tokens": 3, "output_tokens": 4, "error_type": None,
    }  # fmt: skip


def test_a_call_that_reached_nobody_has_nulls_in_json() -> None:
    document = orjson.loads(logged_calls("json", record_of(**NOBODY_ASKED)))
    names = ["model", "provider", "upstream_model", "key_label", "first_token_ms", "input_tokens", "output_tokens"]
    assert [document[name] for name in names] == [None] * len(names)


@pytest.mark.parametrize("form", ["text", "json"])
def test_many_calls_at_once_are_a_line_each(form: str) -> None:
    lines = logged_calls(form, *(record_of(request_id=f"req_{number}") for number in range(3))).splitlines()
    assert [f"req_{number}" in line for number, line in enumerate(lines)] == [True] * 3


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", NASTY)
def test_whatever_a_client_calls_a_model_its_call_is_one_line(form: str, name: str) -> None:
    (line,) = logged_calls(form, record_of(model=name)).splitlines()
    assert "\x1b" not in line


@pytest.mark.parametrize("name", NASTY[:-1])
def test_a_model_with_a_strange_name_is_one_word_that_can_be_read_back(name: str) -> None:
    _, _, rest = logged_calls("text", record_of(model=name)).partition(" model=")
    assert orjson.loads(rest.partition(" to=")[0]) == name


@pytest.mark.parametrize("form", ["text", "json"])
def test_calls_are_not_told_where_information_is_not_wanted(form: str) -> None:
    assert logged_calls(form, record_of(), level="WARNING") == ""


class Clock:
    """Stands still until it is moved."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def line(message: str, *values: object, name: str = "relay.test", place: int = 1) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, place, message, values, None)


def test_of_one_kind_so_many_lines_a_second_pass_whatever_is_filled_in() -> None:
    clock = Clock()
    limit = RateLimit(clock, lines_per_s=2)
    assert [limit.filter(line("%s broke", number)) for number in range(4)] == [True, True, False, False]
    clock.now_s += 0.99
    assert limit.filter(line("%s broke", 4)) is False
    clock.now_s += 0.01
    assert limit.filter(line("%s broke", 5)) is True


def test_the_next_that_passes_tells_how_many_were_held_back_and_only_that_one() -> None:
    clock = Clock()
    limit = RateLimit(clock, lines_per_s=1)
    for number in range(4):
        limit.filter(line("%s broke", number))
    clock.now_s += 1
    told = line("%s broke", "this")
    limit.filter(told)
    assert told.getMessage() == "this broke (and 3 more like this)"
    clock.now_s += 1
    after = line("%s broke", "that")
    limit.filter(after)
    assert after.getMessage() == "that broke"


def test_another_kind_or_another_logger_has_a_limit_of_its_own() -> None:
    limit = RateLimit(Clock(), lines_per_s=1)
    lines = [line("a"), line("b", place=2), line("a", name="relay.other"), line("a")]
    assert [limit.filter(one) for one in lines] == [True, True, True, False]


def test_lines_of_calls_are_never_held_back() -> None:
    limit = RateLimit(Clock(), lines_per_s=1)
    assert all(limit.filter(line("the same", name=CALLS)) for _ in range(100))


def test_what_repeats_itself_is_held_back_in_the_log(log: logging.Logger) -> None:
    stream = io.StringIO()
    with logging_to(stream, level="INFO", form="text"):
        for number in range(MAX_LINES_PER_S):
            log.warning("%d broke", number)
        for number in range(3):
            log.warning("again: %d broke", number)
    assert stream.getvalue().count("\n") == MAX_LINES_PER_S + 3


class Stalled(io.StringIO):
    """A reader of stderr that takes nothing until it is told to."""

    def __init__(self, *, wanted: int) -> None:
        super().__init__()
        self.was_reached = threading.Event()
        self.goes_on = threading.Event()
        self.has_all = threading.Event()
        self._wanted = wanted

    def write(self, text: str) -> int:
        self.was_reached.set()
        self.goes_on.wait(60)
        written = super().write(text)
        self._wanted -= 1
        if not self._wanted:
            self.has_all.set()
        return written


def test_what_finds_no_room_is_counted_and_not_waited_for() -> None:
    stream = Stalled(wanted=1 + MAX_LINES_WAITING)
    calls = logging.getLogger(CALLS)
    with logging_to(stream, level="INFO", form="text"):
        calls.info("the first")
        assert stream.was_reached.wait(60)
        for _ in range(MAX_LINES_WAITING + 5):
            calls.info("one more")
        stream.goes_on.set()
        assert stream.has_all.wait(60)
    lines = stream.getvalue().splitlines()
    assert (len(lines), lines[0], lines[-1]) == (MAX_LINES_WAITING + 2, "the first", "5 lines of the log found no room")
