from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.endpoints import ENDPOINTS
from relay.core.probes import MAX_TOKENS, PROBES, choose_model
from relay.model import Dialect
from relay.upstream.listed_model import ListedModel
from tests.core.fakes import providers_of

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


@every_dialect
def test_each_dialect_is_tried_at_an_endpoint_of_its_own(dialect: Dialect) -> None:
    (endpoint,) = [one for one in ENDPOINTS if one.upstream_path == PROBES[dialect].path]
    assert (endpoint.dialect, endpoint.may_stream) == (dialect, True)


@every_dialect
def test_every_body_names_the_model_and_bounds_the_answer(dialect: Dialect) -> None:
    probe = PROBES[dialect]
    for key in probe.limit_keys:
        plain, streamed, tools = (body("m", key) for body in (probe.plain, probe.streamed, probe.tools))
        assert (plain["model"], plain[key]) == ("m", MAX_TOKENS)
        assert streamed == {**plain, "stream": True}
        assert (tools["model"], len(tools["tools"]), tools[key] > MAX_TOKENS) == ("m", 1, True)


LISTED = [ListedModel(name) for name in ("text-embedding-3", "Whisper-1", "old-chat", "gpt-x", "claude-x")]


@pytest.mark.parametrize(
    ("block", "chosen"),
    [
        ("", "old-chat"),
        ("test_model: mine", "mine"),
        ("test_model: mine, models: {include: [a], exclude: [mine]}", "mine"),
        ("models: {include: ['c*', b, a]}", "b"),
        ("models: {include: [b, a], exclude: [B]}", "a"),
        ("models: {include: ['C*']}", "claude-x"),
        ("models: {exclude: ['old-*', 'gpt-*']}", "claude-x"),
        ("models: {include: ['text-*']}", None),
        ("models: {exclude: ['*']}", None),
    ],
)
def test_the_model_to_call_is_chosen(block: str, chosen: str | None) -> None:
    providers = providers_of(f"providers: {{up: {{provider_type: vllm, {block}}}}}")
    assert choose_model(providers["up"], LISTED) == chosen


def test_without_a_list_and_a_name_there_is_no_model_to_call() -> None:
    assert choose_model(providers_of("providers: {up: {provider_type: vllm}}")["up"], ()) is None


CALL = {"type": "function_call", "name": "note", "arguments": "{}"}
USE = {"type": "tool_use", "name": "note", "input": {}}
TOOL_CALL = {"id": "c", "type": "function", "function": {"name": "note", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("dialect", "answer", "count"),
    [
        (Dialect.CHAT, {"choices": [{"message": {"tool_calls": [TOOL_CALL, TOOL_CALL]}}]}, 2),
        (Dialect.CHAT, {"choices": [{"message": {"tool_calls": None, "content": "hello"}}]}, 0),
        (Dialect.CHAT, {"choices": [{"message": {"tool_calls": []}}]}, 0),
        (Dialect.CHAT, {"choices": []}, 0),
        (Dialect.RESPONSES, {"output": [{"type": "reasoning"}, CALL]}, 1),
        (Dialect.RESPONSES, {"output": [{"type": "message", "content": [CALL]}]}, 0),
        (Dialect.MESSAGES, {"content": [{"type": "text", "text": "I note"}, USE]}, 1),
        (Dialect.MESSAGES, {"content": [{"type": "text", "text": "tool_use"}]}, 0),
    ],
)
def test_calls_of_tools_are_found(dialect: Dialect, answer: dict[str, Any], count: int) -> None:
    assert len(list(PROBES[dialect].tool_calls(answer))) == count


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["tool_use", "function_call"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "tool_calls", "output", "content", "type"]), inner, max_size=3
        )
    ),
)


@given(st.sampled_from(list(Dialect)), st.dictionaries(st.sampled_from(["choices", "output", "content"]), values))
def test_whatever_an_answer_holds_it_is_looked_through(dialect: Dialect, answer: dict[str, Any]) -> None:
    assert all(isinstance(call, dict) for call in PROBES[dialect].tool_calls(answer))
