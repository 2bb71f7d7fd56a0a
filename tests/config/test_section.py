from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, SecretStr, ValidationError

from relay.config.section import PENDING, Pending, Section
from relay.config.values import Duration, Json, Size, nothing


class Sample(Section):
    wait_s: Annotated[Duration, PENDING] = Field(90, alias="wait")
    size_bytes: Annotated[Size, PENDING] = Field(1024, alias="size")
    count: Annotated[int, PENDING] = 7
    switch: Annotated[bool, PENDING] = True
    name: Annotated[str, Pending(allowed=("other",))] = "usual"
    secret: Annotated[SecretStr, PENDING] = SecretStr("")
    empty: Annotated[str, PENDING] = ""
    absent: Annotated[int | None, PENDING] = None
    codes: Annotated[tuple[int, ...], PENDING] = (1, 2)
    params: Annotated[Json, PENDING] = Field(default_factory=nothing)
    free: int = 1


@pytest.mark.parametrize(
    ("option", "value", "default"),
    [
        ("wait", "2m", "90s"),
        ("size", 2, "1KiB"),
        ("count", 8, "7"),
        ("switch", False, "true"),
        ("name", "third", "usual"),
        ("secret", "canary", '""'),
        ("empty", "x", '""'),
        ("absent", 1, "none"),
        ("codes", [1], "[1, 2]"),
        ("params", {"a": 1}, "{}"),
    ],
)
def test_a_pending_option_must_keep_its_default(option: str, value: object, default: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({option: value})
    (error,) = caught.value.errors()
    words = f"is not enforced in this release, so it must keep its default ({default})"
    assert error["loc"] == (option,)
    assert str(error["ctx"]["error"]) == words


@pytest.mark.parametrize(
    "options",
    [{}, {"wait": "90s"}, {"size": "1KiB"}, {"codes": [1, 2]}, {"name": "usual"}, {"absent": None}, {"params": {}}],
)
def test_a_default_may_be_written(options: dict[str, object]) -> None:
    assert Sample.model_validate(options) == Sample()


def test_what_means_the_same_as_the_default_is_allowed() -> None:
    assert Sample.model_validate({"name": "other"}).name == "other"


def test_an_enforced_option_is_free() -> None:
    assert Sample.model_validate({"free": 2}).free == 2


@pytest.mark.parametrize("option", ["wait_s", "unknown"])
def test_unknown_options_and_attribute_names_are_refused(option: str) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Sample.model_validate({option: 1})


def test_a_section_can_not_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().free = 2  # type: ignore[misc]
