"""A client's JSON body: what is refused, with which words, and what is carried."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import InvalidRequest
from relay.formats.body import (
    COUNTED_FROM_BYTES,
    MAX_PARTS,
    optional_flag,
    read_object,
    required_text,
    write_object,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)  # fmt: skip


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_object(raw)
    assert caught.value.facts.status == 400
    return caught.value.facts.message


def nested(levels: int) -> bytes:
    """An object of so many levels."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"{", b"{}}", b"{'a': 1}", b'{"a": 1,}', b"\xef\xbb\xbf{}", b'\xff{"a": 1}', b'{"a": "\xff"}',
        b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": "\\udc00\\ud800"}',
        b'{"a": "\xed\xa0\x80"}', b'{"a": "\x01"}', b'{"a": 01}', b"{}\0", '{"a": 1}'.encode("utf-16"), nested(1025),
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_strict_json_is_refused(raw: bytes) -> None:
    assert refusal(raw).startswith("The body is not valid JSON: ")


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"text"', b"true", b'[{"model":"x"}]'])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "The body must be a JSON object."


def test_a_refusal_counts_in_characters_as_an_editor_does() -> None:
    assert refusal('{"é":"éé" x}'.encode()).endswith("(character 10).")


def test_a_refusal_repeats_nothing_of_the_body() -> None:
    assert "secret" not in refusal(b'{"prompt": "secret" "secret"}')


def test_the_deepest_nesting_that_can_be_read_is_read() -> None:
    assert isinstance(read_object(nested(1024))["a"], list)


def test_of_a_key_that_stands_twice_the_last_is_carried() -> None:
    assert write_object(read_object(b'{"model":"a","mod\\u0065l":"b"}')) == b'{"model":"b"}'


@pytest.mark.parametrize("part", [b",", b"[", b"{"])
def test_a_large_body_of_too_many_parts_is_refused_before_it_is_parsed(part: bytes) -> None:
    raw = part * (MAX_PARTS + 1) + b" " * COUNTED_FROM_BYTES
    assert refusal(raw) == "The body has more than 500000 JSON values."


def test_a_large_body_of_as_many_parts_as_may_be_is_read() -> None:
    raw = b'{"a":[' + b"1," * (MAX_PARTS - 3) + b"1" + b" " * COUNTED_FROM_BYTES + b"]}"
    assert len(read_object(raw)["a"]) == MAX_PARTS - 2


def test_the_parts_of_a_small_body_are_not_counted() -> None:
    raw = b'{"a":[' + b"1," * ((COUNTED_FROM_BYTES - 16) // 2) + b"1]}"
    assert len(raw) <= COUNTED_FROM_BYTES
    assert len(read_object(raw)["a"]) > MAX_PARTS


def test_a_large_body_of_few_parts_is_read() -> None:
    image = "A" * (4 * COUNTED_FROM_BYTES)
    assert read_object(b'{"image":"' + image.encode() + b'"}') == {"image": image}


@given(raw=st.binary(max_size=60))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    try:
        read = read_object(raw)
    except InvalidRequest:
        return
    assert isinstance(read, dict)


@given(document=st.dictionaries(st.text(), json_values), data=st.data())
def test_any_damaged_body_is_an_object_or_refused(document: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(orjson.dumps(document))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_object(bytes(raw))
    except InvalidRequest:
        return
    assert isinstance(read, dict)


@given(document=st.dictionaries(st.text(), json_values))
def test_a_body_is_carried_as_it_was(document: dict[str, Any]) -> None:
    assert json.loads(write_object(read_object(json.dumps(document).encode()))) == document


def test_a_body_of_254_levels_can_be_written() -> None:
    assert write_object(read_object(nested(254))) == nested(254)


@pytest.mark.parametrize("levels", [255, 300, 1024])
def test_a_body_that_is_too_deep_to_be_written_is_refused(levels: int) -> None:
    document = read_object(nested(levels))
    with pytest.raises(InvalidRequest, match="nested too deeply: at most 254 levels"):
        write_object(document)


def test_a_text_that_is_there_is_given() -> None:
    assert required_text({"model": " gpt "}, "model") == " gpt "


@pytest.mark.parametrize("body", [{}, {"model": None}, {"model": ""}, {"model": " \n"}, {"model": 1}, {"model": ["x"]}])
def test_a_text_that_is_missing_is_named(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="'model' is required and must be a non-empty string") as caught:
        required_text(body, "model")
    assert caught.value.facts.param == "model"


@pytest.mark.parametrize(
    ("body", "flag"), [({}, False), ({"f": None}, False), ({"f": False}, False), ({"f": True}, True)]
)
def test_a_flag_is_true_or_false_and_null_is_absent(body: dict[str, Any], flag: bool) -> None:
    assert optional_flag(body, "f") is flag


@pytest.mark.parametrize("value", [1, 0, "true", "", [], {}])
def test_a_flag_that_is_neither_is_named(value: object) -> None:
    with pytest.raises(InvalidRequest, match="'f' must be true or false") as caught:
        optional_flag({"f": value}, "f")
    assert caught.value.facts.param == "f"


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "1" * 30, "-" + "9" * 300])
def test_an_integer_that_would_be_rounded_is_refused(number: str) -> None:
    with pytest.raises(InvalidRequest, match="beyond 64 bits"):
        read_object(f'{{"a": [{number}]}}'.encode())


def test_a_long_number_far_down_is_refused_as_too_deep() -> None:
    with pytest.raises(InvalidRequest, match="too deeply"):
        read_object(b'{"a":' + b"[" * 1_000 + b"1" * 19 + b"]" * 1_000 + b"}")


@pytest.mark.parametrize(
    "value",
    ["18446744073709551615", "-9223372036854775808", '"12345678901234567890123"', "0.1234567890123456789012", "1e22"],
)
def test_a_long_number_that_stays_what_it_is_passes(value: str) -> None:
    assert read_object(f'{{"a": {value}}}'.encode()) == orjson.loads(f'{{"a": {value}}}')
