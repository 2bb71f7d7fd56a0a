"""What providers say when they refuse, in all their shapes."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.upstream_errors import (
    MAX_MESSAGE_CHARACTERS,
    UpstreamWords,
    may_tell_an_error,
    read_loose_words,
    read_words,
)

SHAPES: list[tuple[object, UpstreamWords]] = [
    ({"error": {"message": "Bad", "type": "invalid_request_error", "param": "n", "code": None}},
     UpstreamWords("Bad", "invalid_request_error", "", "n", 400)),
    ({"error": {"message": "Slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
     UpstreamWords("Slow down", "requests", "rate_limit_exceeded", None, 429)),
    ({"error": {"message": "No credits", "code": 402, "metadata": {}}},
     UpstreamWords("No credits", "", "402", None, 402)),
    ({"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}},
     UpstreamWords("Quota", "", "429", None, 429)),
    ({"error": {"message": "Bad", "status_code": 422}}, UpstreamWords("Bad", "", "", None, 422)),
    ({"error": "text"}, UpstreamWords("text", "", "", None, None)),
    ({"error": ["one", "two"]}, UpstreamWords("['one', 'two']", "", "", None, None)),
    ({"error": True}, UpstreamWords("", "", "", None, None)),
    ({"error": {"detail": "Not here"}}, UpstreamWords("Not here", "", "", None, None)),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
     UpstreamWords("Overloaded", "overloaded_error", "", None, 529)),
    ({"type": "error", "code": "server_error", "message": "Oops", "param": "input", "sequence_number": 4},
     UpstreamWords("Oops", "", "server_error", "input", 500)),
    ({"type": "error", "error": {}}, UpstreamWords("", "", "", None, None)),
    ({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "Slow"}}},
     UpstreamWords("Slow", "", "rate_limit_exceeded", None, 429)),
    ({"type": "response.failed", "response": {"error": None}}, UpstreamWords("", "", "server_error", None, 500)),
]  # fmt: skip

NO_ERRORS: list[object] = [
    None, 1, "error", [], ["error"], {}, {"error": None}, {"error": {}}, {"error": ""}, {"error": False},
    {"type": "response.failed"}, {"type": "response.failed", "response": "x"},
    {"type": "response.created", "response": {}}, {"type": "ping"},
    {"choices": [{"error": {"message": "nested"}}]}, {"message": "x", "type": "message_start"},
]  # fmt: skip

LOOSE: list[tuple[object, UpstreamWords | None]] = [
    ({"message": "Not found", "code": 404}, UpstreamWords("Not found", "", "404", None, 404)),
    ({"detail": "Not found"}, UpstreamWords("Not found", "", "", None, None)),
    ({"detail": [{"loc": ["body"], "msg": "missing"}]},
     UpstreamWords("[{'loc': ['body'], 'msg': 'missing'}]", "", "", None, None)),
    ({"error_message": "Bad"}, UpstreamWords("Bad", "", "", None, None)),
    ({"object": "error", "message": "Too long", "type": "BadRequestError", "param": "prompt", "code": 400},
     UpstreamWords("Too long", "BadRequestError", "400", "prompt", 400)),
    ({"error": {"message": "first"}, "message": "second"}, UpstreamWords("first", "", "", None, None)),
    ({"message": "", "detail": None}, None),
    ({}, None),
    ([], None),
    ("text", None),
]  # fmt: skip

keys = st.sampled_from(["error", "type", "code", "message", "param", "detail", "response", "status", "status_code"])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
)
words = st.sampled_from(
    ["error", "response.failed", "server_error", "0404", "04049", "429", "99999999999999", "٤٢٩", "x" * 9_000]
)
documents = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=3), inner, max_size=5),
    max_leaves=12,
).map(lambda document: orjson.loads(orjson.dumps(document)))


@pytest.mark.parametrize(("document", "found"), SHAPES)
def test_every_shape_of_an_error_is_read(document: object, found: UpstreamWords) -> None:
    assert read_words(document) == found


@pytest.mark.parametrize("document", NO_ERRORS)
def test_what_reports_no_error_is_none(document: object) -> None:
    assert read_words(document) is None


@pytest.mark.parametrize(("document", "found"), LOOSE)
def test_the_body_of_an_error_status_may_say_it_more_loosely(document: object, found: UpstreamWords | None) -> None:
    assert read_loose_words(document) == found


@given(document=documents)
def test_any_document_is_read_within_bounds(document: object) -> None:
    found = read_loose_words(document) or read_words(document) or UpstreamWords("", "", "", None, None)
    assert len(found.message) <= MAX_MESSAGE_CHARACTERS
    assert len(found.type) <= 64
    assert len(found.code) <= 64
    assert found.status is None or 400 <= found.status <= 599


@given(document=documents)
def test_what_is_an_error_strictly_is_the_same_loosely(document: object) -> None:
    found = read_words(document)
    assert found is None or read_loose_words(document) == found


@pytest.mark.parametrize("code", ["two words", "<b>", "x" * 65, "a\nb", "ключ", "", None, True, {"a": 1}])
def test_a_code_that_does_not_look_like_one_is_left_out(code: object) -> None:
    found = read_words({"error": {"message": "x", "code": code, "type": code}})
    assert found == UpstreamWords("x", "", "", None, None)


@pytest.mark.parametrize("code", ["04049", "0404", "4040", "399", "600", "4.2", "-429", "٤٢٩", 4040, 429.0, 200])
def test_a_number_that_is_no_error_status_is_none(code: object) -> None:
    found = read_words({"error": {"message": "x", "code": code}})
    assert found is not None
    assert found.status is None


def test_a_code_counts_before_a_type() -> None:
    found = read_words({"error": {"type": "invalid_request_error", "code": "model_not_found"}})
    assert found is not None
    assert found.status == 404


def test_a_parameter_that_is_no_text_is_left_out() -> None:
    assert read_words({"error": {"message": "x", "param": ["n"]}}) == UpstreamWords("x", "", "", None, None)


def test_a_long_message_is_cut_between_two_words() -> None:
    """Half a key could no longer be told to be one, and taken out."""
    message = "word " * 399 + "sk-canary-0123456789"
    found = read_words({"error": message})
    assert found is not None
    assert found.message == ("word " * 399).rstrip()


@pytest.mark.parametrize(
    "data",
    [
        b'{"error":{"message":"x"}}', b'{"error": "x"}', b'{"error":true}', b'{"a":1,"error"\n:\t{}}',
        b'{"type":"response.failed","response":{"error":{"message":"x"}}}', b'{"sequence_number":1,"type":"error"}',
        b'{"object":"error","message":"x"}', b"event: error\ndata: {}\n\n", b"id: 1\r\nevent:error\r\n\r\n",
        b'event:  error\ndata: {"detail":"x"}\n\n', b'{"id":"r","output":[],"error":{"code":"x"}}',
    ],
)  # fmt: skip
def test_whatever_may_report_an_error_is_suspect(data: bytes) -> None:
    assert may_tell_an_error(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"error":null}', b'{"error": null,"output":[]}', b'{"content":"an error occurred"}',
        b'{"content":"{\\"error\\": {\\"message\\": 1}}"}', b'{"content":"event: error"}', b": error\n\n", b"",
    ],
)  # fmt: skip
def test_a_text_that_speaks_of_errors_is_not(data: bytes) -> None:
    assert not may_tell_an_error(data)
