"""Every dialect has all its parts, and golden streams to prove them with."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest

from relay.errors import ErrorFacts
from relay.formats.registry import DIALECTS
from relay.formats.sse import read_event
from relay.formats.upstream_errors import may_tell_an_error, read_words
from relay.model import Dialect
from tests.formats import reference
from tests.formats.streams import Golden, every_golden, every_whole_golden, goldens

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
FACTS = ErrorFacts(429, "Slow down", "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", "model", 5)


def last_event(golden: Golden) -> bytes:
    return golden.stream[golden.end_begins :]


@every_dialect
def test_a_dialect_has_its_parts(dialect: Dialect) -> None:
    parts = DIALECTS[dialect]
    assert parts.answer_key
    assert parts.overloaded_status in {503, 529}
    assert bool(parts.end_event) == (parts.finished_choices is not None)


@every_dialect
def test_a_dialect_has_golden_streams_of_every_kind(dialect: Dialect) -> None:
    names = {golden.name for golden in goldens() if golden.dialect is dialect}
    assert {"text", "tool", "parallel-tools", "thinking", "crlf", "cr", "bom", "comments", "line-separators",
            "multi-line-data", "error-in-the-middle"} <= names  # fmt: skip


@every_dialect
def test_an_error_body_says_what_happened_in_words_that_are_read_again(dialect: Dialect) -> None:
    found = read_words(orjson.loads(DIALECTS[dialect].error_body(FACTS, "req_1")))
    assert found is not None
    assert (found.message, found.status) == ("Slow down", 429)


@every_dialect
def test_an_error_body_is_no_answer(dialect: Dialect) -> None:
    parts = DIALECTS[dialect]
    assert parts.answer_key not in orjson.loads(parts.error_body(FACTS, "req_1"))


@every_dialect
def test_an_error_event_is_recognised_as_one(dialect: Dialect) -> None:
    parts = DIALECTS[dialect]
    event = parts.error_event(FACTS, "req_1", b"")
    assert may_tell_an_error(event)
    assert parts.raises_in_sdk(read_event(event))


@every_whole_golden
def test_a_whole_stream_ends_with_its_end_mark(golden: Golden) -> None:
    parts = DIALECTS[golden.dialect]
    assert parts.end_mark.search(last_event(golden))
    assert parts.is_end(read_event(last_event(golden)))


@every_golden
def test_no_earlier_event_is_an_end_mark(golden: Golden) -> None:
    ends = sorted(reference.boundaries(golden.stream[: golden.end_begins]))
    earlier = [golden.stream[start:end] for start, end in pairwise(ends)]
    assert not any(DIALECTS[golden.dialect].is_end(read_event(raw)) for raw in earlier)


@every_dialect
def test_the_end_that_is_added_is_an_end_mark(dialect: Dialect) -> None:
    parts = DIALECTS[dialect]
    assert not parts.end_event or parts.is_end(read_event(parts.end_event))
