from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.errors import InvalidRequest
from relay.upstream.demo import fields


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True, []])
def test_a_whole_number_is_at_least_one(value: object) -> None:
    with pytest.raises(InvalidRequest):
        fields.whole(value, "n")


def test_a_whole_number_may_be_bounded() -> None:
    assert fields.whole(8, "n", high=8) == 8
    with pytest.raises(InvalidRequest, match="'n' must be at most 8"):
        fields.whole(9, "n", high=8)


@pytest.mark.parametrize(("value", "expected"), [(None, ()), ("a", ("a",)), (["a", "b"], ("a", "b"))])
def test_texts_are_one_or_several(value: object, expected: tuple[str, ...]) -> None:
    assert fields.texts(value, "stop", high=2) == expected


@pytest.mark.parametrize("value", [5, {}, ["a", 5], ["a", "b", "c"]])
def test_texts_of_another_shape_or_too_many_are_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fields.texts(value, "stop", high=2)
    assert caught.value.facts.param == "stop"


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (fields.text, 5),
        (fields.text, None),
        (fields.objects, {}),
        (fields.objects, ["a"]),
        (fields.some_objects, None),
        (fields.some_objects, []),
    ],
)
def test_a_wrong_shape_is_refused_by_name(read: Callable[[object, str], object], value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(value, "the field")
    assert caught.value.facts.param == "the field"


def test_what_is_absent_has_no_objects_and_no_number() -> None:
    assert fields.objects(None, "tools") == []
    assert fields.whole(None, "n") is None


def test_what_is_no_object_is_as_good_as_empty() -> None:
    assert fields.inner("text") == {}
    assert fields.inner({"a": 1}) == {"a": 1}
