"""Unfolds a whole response object into the events of a Responses stream.

    created, in_progress
      output_item.added
        content_part.added, output_text.delta ..., output_text.done, content_part.done     (a message)
        function_call_arguments.delta ..., function_call_arguments.done                    (a call)
      output_item.done
    completed | incomplete

Pure. Every event bears a sequence_number, rising by one from zero; the last bears the whole response.
"""

from __future__ import annotations

from collections.abc import Iterator

from relay.upstream.demo.fields import objects
from relay.upstream.demo.reply import fragments, words
from relay.upstream.demo.wire import JsonObject


def events(response: JsonObject) -> Iterator[JsonObject]:
    """The stream whose end is this response."""
    for number, event in enumerate(_events(response)):
        yield {"type": f"response.{event.pop('kind')}", "sequence_number": number, **event}


def _events(response: JsonObject) -> Iterator[JsonObject]:
    not_yet: JsonObject = {"status": "in_progress", "output": [], "usage": None}
    for kind in ("created", "in_progress"):
        yield {"kind": kind, "response": {**response, **not_yet, "completed_at": None, "incomplete_details": None}}
    for index, item in enumerate(objects(response["output"], "output")):
        unfold = _unfold_call if item["type"] == "function_call" else _unfold_message
        yield from unfold(item, index)
        yield {"kind": "output_item.done", "output_index": index, "item": item}
    yield {"kind": response["status"], "response": response}


def _unfold_call(item: JsonObject, index: int) -> Iterator[JsonObject]:
    place = {"item_id": item["id"], "output_index": index}
    added = {**item, "status": "in_progress", "arguments": ""}
    yield {"kind": "output_item.added", "output_index": index, "item": added}
    for fragment in fragments(str(item["arguments"])):
        yield {"kind": "function_call_arguments.delta", **place, "delta": fragment}
    ended = {"name": item["name"], "arguments": item["arguments"]}
    yield {"kind": "function_call_arguments.done", **place, **ended}


def _unfold_message(item: JsonObject, index: int) -> Iterator[JsonObject]:
    added = {**item, "status": "in_progress", "content": []}
    yield {"kind": "output_item.added", "output_index": index, "item": added}
    for content_index, part in enumerate(objects(item["content"], "content")):
        place = {"item_id": item["id"], "output_index": index, "content_index": content_index}
        yield {"kind": "content_part.added", **place, "part": {**part, "text": ""}}
        for word in words(str(part["text"])):
            yield {"kind": "output_text.delta", **place, "delta": word, "logprobs": []}
        yield {"kind": "output_text.done", **place, "text": part["text"], "logprobs": []}
        yield {"kind": "content_part.done", **place, "part": part}
