from __future__ import annotations

import math
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.upstream.demo.calls import send

PATH = "/v1/embeddings"


async def test_an_sdk_reads_vectors_of_length_one(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.embeddings.create(model="demo", input=["one", "two"])
    assert [entry.index for entry in answer.data] == [0, 1]
    assert [len(entry.embedding) for entry in answer.data] == [8, 8]
    assert math.hypot(*answer.data[0].embedding) == pytest.approx(1, abs=1e-6)
    assert answer.data[0].embedding != answer.data[1].embedding
    assert answer.usage.total_tokens == 2


async def test_both_encodings_give_the_same_numbers(openai_sdk: AsyncOpenAI) -> None:
    # Unless told otherwise the SDK asks for base64 and decodes it.
    decoded = await openai_sdk.embeddings.create(model="demo", input="one")
    floats = await openai_sdk.embeddings.create(model="demo", input="one", encoding_format="float")
    assert decoded.data[0].embedding == floats.data[0].embedding


@pytest.mark.parametrize("dimensions", [1, 256, 3072])
async def test_dimensions_are_kept(dimensions: int) -> None:
    vector = (await send(PATH, {"input": "one", "dimensions": dimensions})).json["data"][0]["embedding"]
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "vectors", "tokens"),
    [("12345", 1, 2), (["a", "b"], 2, 2), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)],
)
async def test_texts_and_tokens_are_both_input(value: object, vectors: int, tokens: int) -> None:
    answer = (await send(PATH, {"input": value})).json
    assert (len(answer["data"]), answer["usage"]["prompt_tokens"]) == (vectors, tokens)


async def test_the_same_text_has_the_same_vector_wherever_it_stands() -> None:
    alone = (await send(PATH, {"input": "b"})).json["data"][0]["embedding"]
    beside = (await send(PATH, {"input": ["a", "b"]})).json["data"][1]["embedding"]
    assert alone == beside


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1.5]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "dimensions": 3073}, "dimensions"),
        ({"input": ["a"] * 100, "dimensions": 3072}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "encoding_format": ["float"]}, "encoding_format"),
    ],
)
async def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    answered = await send(PATH, body)
    assert (answered.head.status, answered.json["error"]["param"]) == (400, param)
