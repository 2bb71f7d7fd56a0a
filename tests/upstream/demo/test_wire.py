from __future__ import annotations

import pytest

from relay.errors import InvalidRequest
from relay.upstream.demo.wire import Incoming, data_event, named_event, to_json

INCOMING = Incoming({}, "demo", created_at=0, seed="ab")


def test_an_id_follows_from_the_seed_the_kind_and_the_index() -> None:
    others = [INCOMING.make_id("call_", 1), INCOMING.make_id("msg_"), Incoming({}, "demo", 0, "ac").make_id("call_")]
    assert INCOMING.make_id("call_") == INCOMING.make_id("call_")
    assert len({INCOMING.make_id("call_"), *others}) == 4
    assert INCOMING.make_id("call_").startswith("call_")


def test_events_are_one_line_of_json_with_or_without_a_name() -> None:
    assert data_event({"type": "ping", "text": "a\nb"}) == b'data: {"type":"ping","text":"a\\nb"}\n\n'
    assert named_event({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: object = 1
    for _ in range(300):
        value = [value]
    with pytest.raises(InvalidRequest):
        to_json(value)
