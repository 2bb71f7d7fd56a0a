"""The data of events as JSON objects, and the type that stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats.event_data import is_of_type, read_data
from relay.formats.sse import Event

ENDS = frozenset({"message_stop"})


@pytest.mark.parametrize("data", [None, b"", b"[DONE]", b"[]", b"1", b'"text"', b"null", b"{", b"\xff"])
def test_data_that_are_no_object_are_none(data: bytes | None) -> None:
    assert read_data(Event("", data)) is None


def test_data_over_several_lines_are_one_object() -> None:
    assert read_data(Event("", b'{\n"a":\n1}')) == {"a": 1}


@given(name=st.text(max_size=3), data=st.none() | st.binary(max_size=10))
def test_any_data_are_an_object_or_none(name: str, data: bytes | None) -> None:
    assert isinstance(read_data(Event(name, data)), dict | None)


@pytest.mark.parametrize(
    "event",
    [
        Event("message_stop", None),
        Event("message_stop", b"no JSON"),
        Event("", b'{"type":"message_stop"}'),
        Event("message", b'{"a":1,"type":"message_stop"}'),
    ],
)
def test_an_event_has_the_type_of_its_name_or_of_its_data(event: Event) -> None:
    assert is_of_type(event, ENDS)


@pytest.mark.parametrize(
    "event",
    [
        Event("", None),
        Event("", b"message_stop"),
        Event("message_stop ", b"{}"),
        Event("", b'{"type":"message_start","note":{"type":"message_stop"}}'),
        Event("", b'{"type":["message_stop"]}'),
        Event("", b'{"type":null}'),
    ],
)
def test_no_other_event_has_the_type(event: Event) -> None:
    assert not is_of_type(event, ENDS)
