"""OpenAI Moderations: every input is found harmless, in the shape of a real finding."""

from __future__ import annotations

from relay.errors import InvalidRequest
from relay.upstream.demo.wire import Answer, Incoming, JsonObject, json_answer

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
SCORE = 1e-6
"""Small, but not the round zero that no real model gives."""


def answer(incoming: Incoming) -> Answer:
    """Serves `/moderations`."""
    findings = [_harmless() for _ in range(_count_inputs(incoming.body.get("input")))]
    return json_answer({"id": incoming.make_id("modr-"), "model": incoming.model, "results": findings})


def _count_inputs(value: object) -> int:
    """How many findings are due: one a text, but one for a whole list of typed parts (text beside images)."""
    if isinstance(value, str):
        return 1
    if isinstance(value, list) and value:
        if all(isinstance(entry, str) for entry in value):
            return len(value)
        if all(isinstance(entry, dict) for entry in value):
            return 1
    raise InvalidRequest("'input' must be a string, a list of strings, or a list of objects.", param="input")


def _harmless() -> JsonObject:
    return {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, SCORE),
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
