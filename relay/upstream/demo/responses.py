"""OpenAI Responses: reads the request and builds the response object; `response_events` unfolds it into a stream."""

from __future__ import annotations

from relay.errors import InvalidRequest
from relay.formats.body import optional_flag
from relay.upstream.demo import fields
from relay.upstream.demo.ask import Ask, Speaker, Tool, Turn, choose_tool, read_schema, read_tool, read_turn
from relay.upstream.demo.reply import Finish, Reply, Usage, reply_to
from relay.upstream.demo.response_events import events
from relay.upstream.demo.wire import Answer, Incoming, JsonObject, json_answer, named_event, stream_answer

SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
}

ECHOED: JsonObject = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, each with the value where the request has none."""


def answer(incoming: Incoming) -> Answer:
    """Serves `/responses`."""
    body = incoming.body
    response = _response(incoming, reply_to(_read(body)))
    if optional_flag(body, "stream"):
        return stream_answer(map(named_event, events(response)))
    return json_answer(response)


def _read(body: JsonObject) -> Ask:
    tools = _read_tools(fields.objects(body.get("tools"), "tools"))
    return Ask(
        turns=(read_turn(Speaker.SYSTEM, body.get("instructions"), "instructions"), *_read_input(body.get("input"))),
        tools=tools,
        wanted=choose_tool(tools, body.get("tool_choice")),
        schema=read_schema(fields.inner(body.get("text")).get("format")),
        limit=fields.whole(body.get("max_output_tokens"), "max_output_tokens"),
    )


def _read_input(value: object) -> tuple[Turn, ...]:
    if isinstance(value, str):
        return (Turn(Speaker.USER, value),)
    items = fields.some_objects(value, "input")
    return tuple(_read_item(item, f"input[{index}]") for index, item in enumerate(items))


def _read_item(item: JsonObject, param: str) -> Turn:
    """The turn that an item is. Of items without a role only a tool's output says something to the demo."""
    if item.get("type") == "function_call_output":
        return read_turn(Speaker.TOOL, item.get("output"), f"{param}.output")
    if item.get("type", "message") != "message":
        return Turn(Speaker.ASSISTANT, "")
    speaker = SPEAKERS.get(fields.text(item.get("role"), f"{param}.role"))
    if speaker is None:
        raise InvalidRequest(f"'{param}.role' is none of: {', '.join(SPEAKERS)}.", param=f"{param}.role")
    return read_turn(speaker, item.get("content"), f"{param}.content")


def _read_tools(entries: list[JsonObject]) -> tuple[Tool, ...]:
    """The function tools; the built-in ones are not the client's to run."""
    return tuple(
        read_tool(entry, entry.get("parameters"), f"tools[{index}]")
        for index, entry in enumerate(entries)
        if entry.get("type") == "function"
    )


def _response(incoming: Incoming, reply: Reply) -> JsonObject:
    echoed = {key: default if incoming.body.get(key) is None else incoming.body[key] for key, default in ECHOED.items()}
    is_cut = reply.finish is Finish.LIMIT
    status = "incomplete" if is_cut else "completed"
    return {
        "id": incoming.make_id("resp_"),
        "object": "response",
        "created_at": incoming.created_at,
        "status": status,
        "completed_at": None if is_cut else incoming.created_at,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "model": incoming.model,
        "output": _output(incoming, reply, status),
        "usage": _usage(reply.usage),
        **echoed,
    }


def _output(incoming: Incoming, reply: Reply, status: str) -> list[JsonObject]:
    """One item; none where the limit left no room for a call."""
    if reply.call is not None:
        ids = {"id": incoming.make_id("fc_"), "call_id": incoming.make_id("call_")}
        called = {"name": reply.call.name, "arguments": reply.call.arguments}
        return [{"type": "function_call", **ids, "status": status, **called}]
    if not reply.text:
        return []
    part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    opening = {"type": "message", "id": incoming.make_id("msg_"), "status": status}
    return [{**opening, "role": "assistant", "content": [part]}]


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
