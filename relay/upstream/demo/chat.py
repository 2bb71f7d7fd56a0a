"""OpenAI Chat Completions: reads the request, renders the reply as one object or as chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relay.errors import InvalidRequest
from relay.formats.body import optional_flag
from relay.formats.openai_chat import wants_usage
from relay.upstream.demo import fields
from relay.upstream.demo.ask import MAX_STOPS, Ask, Speaker, Tool, Turn, choose_tool, read_schema, read_tool, read_turn
from relay.upstream.demo.reply import Finish, Reply, Usage, fragments, reply_to, words
from relay.upstream.demo.wire import DONE, Answer, Incoming, JsonObject, data_event, json_answer, stream_answer

MAX_CHOICES = 8

SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}

FINISH_REASONS = {Finish.DONE: "stop", Finish.STOP: "stop", Finish.LIMIT: "length", Finish.TOOL: "tool_calls"}


def answer(incoming: Incoming) -> Answer:
    """Serves `/chat/completions`."""
    body = incoming.body
    reply = reply_to(_read(body))
    choices = fields.whole(body.get("n"), "n", high=MAX_CHOICES) or 1
    if not optional_flag(body, "stream"):
        return json_answer(_completion(incoming, reply, choices))
    frame = _frame(incoming, "chat.completion.chunk")
    usage = usage_object(reply.usage, choices) if wants_usage(body) else None
    return stream_chunks(frame, _chunk_choices(incoming, reply, choices), usage)


def stream_chunks(frame: JsonObject, choices: Iterable[JsonObject], usage: JsonObject | None) -> Answer:
    """A chunk for each choice's next piece. Where `usage` is given, one more that bears it alone, as OpenAI does."""
    chunks = [{**frame, "choices": [choice]} for choice in choices]
    if usage is not None:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**frame, "choices": [], "usage": usage})
    return stream_answer([*map(data_event, chunks), DONE])


def usage_object(usage: Usage, choices: int) -> JsonObject:
    """Usage as this family counts it: the prompt once, the output of every choice."""
    output_tokens = usage.output_tokens * choices
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": usage.input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _read(body: JsonObject) -> Ask:
    messages = fields.some_objects(body.get("messages"), "messages")
    tools = _read_tools(fields.objects(body.get("tools"), "tools"))
    limit = fields.whole(body.get("max_completion_tokens"), "max_completion_tokens")
    return Ask(
        turns=tuple(_read_message(message, f"messages[{index}]") for index, message in enumerate(messages)),
        tools=tools,
        wanted=choose_tool(tools, body.get("tool_choice")),
        schema=read_schema(body.get("response_format")),
        limit=limit or fields.whole(body.get("max_tokens"), "max_tokens"),
        stops=fields.texts(body.get("stop"), "stop", high=MAX_STOPS),
    )


def _read_message(message: JsonObject, param: str) -> Turn:
    speaker = SPEAKERS.get(fields.text(message.get("role"), f"{param}.role"))
    if speaker is None:
        raise InvalidRequest(f"'{param}.role' is none of: {', '.join(SPEAKERS)}.", param=f"{param}.role")
    return read_turn(speaker, message.get("content"), f"{param}.content")


def _read_tools(entries: list[JsonObject]) -> tuple[Tool, ...]:
    """The function tools; those of other types have no schema to call them by."""
    return tuple(
        read_tool(spec, spec.get("parameters"), f"tools[{index}].function")
        for index, entry in enumerate(entries)
        if entry.get("type") == "function"
        for spec in [fields.inner(entry.get("function"))]
    )


def _frame(incoming: Incoming, kind: str) -> JsonObject:
    """What every chunk of a stream has in common, and the whole answer with them."""
    return {
        "id": incoming.make_id("chatcmpl-"),
        "object": kind,
        "created": incoming.created_at,
        "model": incoming.model,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }


def _completion(incoming: Incoming, reply: Reply, choices: int) -> JsonObject:
    return {
        **_frame(incoming, "chat.completion"),
        "choices": [
            {
                "index": index,
                "message": _message(incoming, reply, index),
                "logprobs": None,
                "finish_reason": FINISH_REASONS[reply.finish],
            }
            for index in range(choices)
        ],
        "usage": usage_object(reply.usage, choices),
    }


def _message(incoming: Incoming, reply: Reply, index: int) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if reply.call is None:
        return message
    function = {"name": reply.call.name, "arguments": reply.call.arguments}
    call = {"id": incoming.make_id("call_", index), "type": "function", "function": function}
    return {**message, "content": None, "tool_calls": [call]}


def _chunk_choices(incoming: Incoming, reply: Reply, choices: int) -> Iterator[JsonObject]:
    """The one choice of each chunk: a role, what is said, the reason of the end; one choice after the other."""
    for index in range(choices):
        for delta in _deltas(incoming, reply, index):
            yield {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        yield {"index": index, "delta": {}, "logprobs": None, "finish_reason": FINISH_REASONS[reply.finish]}


def _deltas(incoming: Incoming, reply: Reply, index: int) -> Iterator[JsonObject]:
    if reply.call is None:
        yield {"role": "assistant", "content": "", "refusal": None}
        for word in words(reply.text):
            yield {"content": word}
        return
    yield {"role": "assistant", "content": None, "refusal": None}
    opened = {"name": reply.call.name, "arguments": ""}
    yield _call_delta(opened, id=incoming.make_id("call_", index), type="function")
    for fragment in fragments(reply.call.arguments):
        yield _call_delta({"arguments": fragment})


def _call_delta(function: dict[str, str], **opening: str) -> JsonObject:
    """A fragment of the call; only the first names its id and type."""
    return {"tool_calls": [{"index": 0, **opening, "function": function}]}
