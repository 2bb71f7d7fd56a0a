"""Anthropic Messages: reads the request, renders the reply as one message or as its events; counts tokens."""

from __future__ import annotations

from collections.abc import Iterator

from relay.errors import InvalidRequest
from relay.formats.body import optional_flag
from relay.upstream.demo import fields
from relay.upstream.demo.ask import MAX_STOPS, Ask, Speaker, Tool, Turn, choose_tool, read_schema, read_tool, read_turn
from relay.upstream.demo.reply import Finish, Reply, count_tokens, fragments, reply_to, words
from relay.upstream.demo.wire import Answer, Incoming, JsonObject, json_answer, named_event, stream_answer

SPEAKERS = {"user": Speaker.USER, "assistant": Speaker.ASSISTANT, "system": Speaker.SYSTEM}

STOP_REASONS = {
    Finish.DONE: "end_turn",
    Finish.STOP: "stop_sequence",
    Finish.LIMIT: "max_tokens",
    Finish.TOOL: "tool_use",
}


def answer(incoming: Incoming) -> Answer:
    """Serves `/messages`."""
    body = incoming.body
    ask = _read(body)
    if ask.limit is None:
        raise InvalidRequest("'max_tokens' is required.", param="max_tokens")
    reply = reply_to(ask)
    if optional_flag(body, "stream"):
        return stream_answer(map(named_event, _events(incoming, reply)))
    return json_answer(_message(incoming, reply))


def answer_count(incoming: Incoming) -> Answer:
    """Serves `/messages/count_tokens`: the number that `usage.input_tokens` of the same request would be."""
    return json_answer({"input_tokens": count_tokens(_read(incoming.body))})


def _read(body: JsonObject) -> Ask:
    messages = fields.some_objects(body.get("messages"), "messages")
    tools = _read_tools(fields.objects(body.get("tools"), "tools"))
    output_format = fields.inner(body.get("output_config")).get("format") or body.get("output_format")
    return Ask(
        turns=(
            read_turn(Speaker.SYSTEM, body.get("system"), "system"),
            *(turn for index, message in enumerate(messages) for turn in _read_message(message, f"messages[{index}]")),
        ),
        tools=tools,
        wanted=choose_tool(tools, body.get("tool_choice")),
        schema=read_schema(output_format),
        limit=fields.whole(body.get("max_tokens"), "max_tokens"),
        stops=fields.texts(body.get("stop_sequences"), "stop_sequences", high=MAX_STOPS),
    )


def _read_message(message: JsonObject, param: str) -> Iterator[Turn]:
    """The message's own turn, then one for each tool result in it: a result beside a text is still the last word."""
    speaker = SPEAKERS.get(fields.text(message.get("role"), f"{param}.role"))
    if speaker is None:
        raise InvalidRequest(f"'{param}.role' is none of: {', '.join(SPEAKERS)}.", param=f"{param}.role")
    content = message.get("content")
    yield read_turn(speaker, content, f"{param}.content")
    if isinstance(content, str):
        return
    for part in fields.objects(content, f"{param}.content"):
        if part.get("type") == "tool_result":
            yield read_turn(Speaker.TOOL, part.get("content"), f"{param}.content")


def _read_tools(entries: list[JsonObject]) -> tuple[Tool, ...]:
    """The client's own tools; those that the server would run have no schema."""
    return tuple(
        read_tool(entry, entry["input_schema"], f"tools[{index}]")
        for index, entry in enumerate(entries)
        if "input_schema" in entry
    )


def _message(incoming: Incoming, reply: Reply) -> JsonObject:
    return {
        "id": incoming.make_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": incoming.model,
        "content": list(_blocks(incoming, reply)),
        "stop_reason": STOP_REASONS[reply.finish],
        "stop_sequence": reply.stop,
        "usage": _usage(reply, reply.usage.output_tokens),
    }


def _blocks(incoming: Incoming, reply: Reply) -> Iterator[JsonObject]:
    if reply.call is not None:
        yield {
            "type": "tool_use",
            "id": incoming.make_id("toolu_"),
            "name": reply.call.name,
            "input": reply.call.input,
        }
    elif reply.text:
        yield {"type": "text", "text": reply.text}


def _usage(reply: Reply, output_tokens: int) -> JsonObject:
    return {
        "input_tokens": reply.usage.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


def _events(incoming: Incoming, reply: Reply) -> Iterator[JsonObject]:
    message = _message(incoming, reply)
    # At the start one token counts as written, as with Anthropic; message_delta has the sum.
    opened: JsonObject = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(reply, 1)}
    yield {"type": "message_start", "message": {**message, **opened}}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(incoming, reply)):
        emptied: JsonObject = {"text": ""} if reply.call is None else {"input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **emptied}}
        for delta in _deltas(reply):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    yield {"type": "message_delta", "delta": ended, "usage": message["usage"]}
    yield {"type": "message_stop"}


def _deltas(reply: Reply) -> Iterator[JsonObject]:
    if reply.call is None:
        for word in words(reply.text):
            yield {"type": "text_delta", "text": word}
        return
    for fragment in fragments(reply.call.arguments):
        yield {"type": "input_json_delta", "partial_json": fragment}
