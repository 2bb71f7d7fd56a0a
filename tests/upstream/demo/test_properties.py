"""Whatever JSON object is sent: an answer in the endpoint's dialect, and never an exception."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.upstream.demo.transport import ENDPOINTS
from tests.upstream.demo.calls import Answered, send, send_raw
from tests.upstream.demo.json_values import bodies, json_values, schemas

ERROR_KEYS = {"/messages": {"type", "error", "request_id"}, "/messages/count_tokens": {"type", "error", "request_id"}}
LAST_WORDS = {
    "/messages": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    "/chat/completions": b"data: [DONE]\n\n",
    "/completions": b"data: [DONE]\n\n",
}


def check(path: str, answered: Answered) -> None:
    if answered.head.status == 400:
        assert set(answered.json) == ERROR_KEYS.get(path, {"error"})
        assert answered.json["error"]["type"] == "invalid_request_error"
        return
    assert answered.head.status == 200
    if answered.head.headers["content-type"] == "application/json":
        assert isinstance(answered.json, dict)
        return
    if path == "/responses":
        assert answered.events[-1]["type"] in {"response.completed", "response.incomplete"}
        return
    assert answered.body.endswith(LAST_WORDS[path])


@pytest.mark.parametrize("path", ENDPOINTS)
@given(body=st.one_of(bodies(), st.dictionaries(st.text(max_size=5), json_values())))
@settings(max_examples=60, deadline=None)
async def test_any_object_gets_an_answer_in_the_right_dialect(path: str, body: dict[str, Any]) -> None:
    check(path, await send_raw(path, orjson.dumps({"model": "demo"} | body)))


@given(schema=schemas(), stream=st.booleans())
@settings(max_examples=60, deadline=None)
async def test_any_schema_of_a_tool_gives_a_call(schema: object, *, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": [tool], "stream": stream}
    answered = await send("/chat/completions", body)
    check("/chat/completions", answered)
    assert answered.head.status == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@given(raw=st.binary(max_size=64))
@settings(max_examples=30, deadline=None)
async def test_any_bytes_get_an_answer(path: str, raw: bytes) -> None:
    check(path, await send_raw(path, raw))
