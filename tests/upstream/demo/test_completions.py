from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.upstream.demo.calls import HELLO, send

PATH = "/v1/completions"


async def test_a_plain_answer_is_whole(openai_sdk: AsyncOpenAI) -> None:
    completion = await openai_sdk.completions.create(model="demo", prompt="Hello there")
    assert (completion.choices[0].text, completion.choices[0].finish_reason) == (HELLO, "stop")
    assert completion.usage is not None
    assert completion.usage.total_tokens == 17


async def test_a_stream_gives_the_plain_answer(openai_sdk: AsyncOpenAI) -> None:
    stream = await openai_sdk.completions.create(
        model="demo", prompt="Hello there", stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == HELLO
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 17


@pytest.mark.parametrize("stream", [False, True])
async def test_every_prompt_gets_its_choices(*, stream: bool) -> None:
    answered = await send(PATH, {"prompt": ["one", "two"], "n": 2, "stream": stream})
    texts = ["", "", "", ""]
    for document in answered.events if stream else [answered.json]:
        for choice in document["choices"]:
            texts[choice["index"]] += choice["text"]
    assert ["one" in text for text in texts] == [True, True, False, False]
    assert ["two" in text for text in texts] == [False, False, True, True]


async def test_usage_is_the_sum_over_all_prompts_and_choices() -> None:
    usages = [(await send(PATH, {"prompt": prompt, "n": 2})).json["usage"] for prompt in ("a", "b", ["a", "b"])]
    for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert usages[2][key] == usages[0][key] + usages[1][key]


async def test_limit_and_stop_are_kept() -> None:
    cut = (await send(PATH, {"prompt": "Hi", "max_tokens": 3})).json["choices"][0]
    stopped = (await send(PATH, {"prompt": "Hi", "stop": " is"})).json["choices"][0]
    assert (cut["text"], cut["finish_reason"]) == ("This is", "length")
    assert (stopped["text"], stopped["finish_reason"]) == ("This", "stop")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ["x"] * 65}, "prompt"),
        ({"prompt": "Hi", "n": 100}, "n"),
    ],
)
async def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    answered = await send(PATH, body)
    assert (answered.head.status, answered.json["error"]["param"]) == (400, param)
