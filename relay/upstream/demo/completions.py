"""OpenAI Completions, the older text endpoint: one reply a prompt, and choice; plain or streamed."""

from __future__ import annotations

from collections.abc import Iterator

from relay.errors import InvalidRequest
from relay.formats.body import optional_flag
from relay.formats.openai_chat import wants_usage
from relay.upstream.demo import fields
from relay.upstream.demo.ask import MAX_STOPS, Ask, Speaker, Turn
from relay.upstream.demo.chat import FINISH_REASONS, MAX_CHOICES, stream_chunks, usage_object
from relay.upstream.demo.reply import Reply, Usage, reply_to, words
from relay.upstream.demo.wire import Answer, Incoming, JsonObject, json_answer

MAX_PROMPTS = 64


def answer(incoming: Incoming) -> Answer:
    """Serves `/completions`."""
    body = incoming.body
    choices = fields.whole(body.get("n"), "n", high=MAX_CHOICES) or 1
    replies = [reply_to(ask) for ask in _read(body)]
    usage = usage_object(_sum(replies), choices)
    replies = [reply for reply in replies for _ in range(choices)]
    frame = _frame(incoming)
    if not optional_flag(body, "stream"):
        whole = [_choice(index, reply.text, FINISH_REASONS[reply.finish]) for index, reply in enumerate(replies)]
        return json_answer({**frame, "choices": whole, "usage": usage})
    return stream_chunks(frame, _chunk_choices(replies), usage if wants_usage(body) else None)


def _read(body: JsonObject) -> list[Ask]:
    limit = fields.whole(body.get("max_tokens"), "max_tokens")
    stops = fields.texts(body.get("stop"), "stop", high=MAX_STOPS)
    return [Ask((Turn(Speaker.USER, prompt),), limit=limit, stops=stops) for prompt in _read_prompts(body)]


def _read_prompts(body: JsonObject) -> tuple[str, ...]:
    """A string or several. Token numbers mean nothing to the demo, which has no tokenizer: they are refused."""
    if prompts := fields.texts(body.get("prompt"), "prompt", high=MAX_PROMPTS):
        return prompts
    raise InvalidRequest("'prompt' is required.", param="prompt")


def _sum(replies: list[Reply]) -> Usage:
    return Usage(
        sum(reply.usage.input_tokens for reply in replies),
        sum(reply.usage.output_tokens for reply in replies),
    )


def _frame(incoming: Incoming) -> JsonObject:
    return {
        "id": incoming.make_id("cmpl-"),
        "object": "text_completion",
        "created": incoming.created_at,
        "model": incoming.model,
        "system_fingerprint": "fp_demo",
    }


def _choice(index: int, text: str, finish_reason: str | None) -> JsonObject:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _chunk_choices(replies: list[Reply]) -> Iterator[JsonObject]:
    for index, reply in enumerate(replies):
        yield from (_choice(index, word, None) for word in words(reply.text))
        yield _choice(index, "", FINISH_REASONS[reply.finish])
