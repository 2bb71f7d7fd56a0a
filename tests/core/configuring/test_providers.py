from __future__ import annotations

import pytest

from relay.config.saving import Saved, etag_of
from relay.core.configuring import providers as changes
from relay.core.configuring.shown import Shown, shown_of
from relay.errors import Conflict, NoSuch

TEXT = """\
providers:
  one:  # first
    keys: [{key: sk-one-0123456789, label: a}, {key: sk-two-0123456789}]
  two: {}
"""


@pytest.fixture
def shown() -> Shown:
    return shown_of(Saved(TEXT, etag_of(TEXT.encode())))


def test_options_and_name_change_in_one_edit_and_masked_keys_stay(shown: Shown) -> None:
    made = changes.change("one", {"weight": 2, "keys": shown.document["providers"]["one"]["keys"]}, "uno")(shown)  # type: ignore[index]  # A document is a mapping.
    assert made == TEXT.replace("one:", "uno:").replace("  two:", "    weight: 2\n  two:")


def test_what_is_taken_or_not_there_is_told(shown: Shown) -> None:
    for make in (changes.add("two", {}, None), changes.change("one", {}, "two"), changes.reorder(["one"])):
        with pytest.raises(Conflict):
            make(shown)
    for gone in (changes.delete("x"), changes.delete_key("one", "x"), changes.add_keys("x", [])):
        with pytest.raises(NoSuch):
            gone(shown)


def test_keys_that_are_stored_are_left_out_of_an_import(shown: Shown) -> None:
    found = changes.found_keys(shown, "one", "sk-two-0123456789\nsk-three-0123456789\n")
    assert ([key["key"] for key in found.keys], found.duplicates) == (["sk-three-0123456789"], 1)


@pytest.mark.parametrize(("label", "is_one"), [("key-1", True), ("key-x", False), ("a", False), ("key-10", True)])
def test_a_name_by_place_is_known(label: str, is_one: bool) -> None:
    assert changes.is_positional(label) is is_one
