from __future__ import annotations

import pytest
from openai import AsyncOpenAI

from tests.upstream.demo.calls import send

PATH = "/v1/moderations"


async def test_an_sdk_reads_that_nothing_is_flagged(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.moderations.create(model="demo", input="Hi")
    finding = answer.results[0]
    assert not finding.flagged
    assert not any(finding.categories.model_dump().values())
    assert 0 < finding.category_scores.violence_graphic < 0.01
    assert finding.category_applied_input_types.harassment == ["text"]


@pytest.mark.parametrize(
    ("value", "findings"),
    [("a", 1), (["a", "b"], 2), ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}], 1)],
)
async def test_each_text_is_judged_but_parts_together(value: object, findings: int) -> None:
    answered = await send(PATH, {"input": value})
    assert len(answered.json["results"]) == findings


@pytest.mark.parametrize("value", [None, [], 5, ["a", {}]])
async def test_a_wrong_input_is_named(value: object) -> None:
    answered = await send(PATH, {"input": value})
    assert (answered.head.status, answered.json["error"]["param"]) == (400, "input")
