"""Credentials that are none are counted, and told without what was presented."""

from __future__ import annotations

import pytest

from relay.core.credentials import kind_of
from relay.core.refusals import Kind, Refusals


@pytest.mark.parametrize(
    ("presented", "kind"),
    [
        ("sk-mr-" + "a" * 43, Kind.API_KEY),
        ("sk-mr-short", Kind.ACCESS_KEY),
        ("a.b.c", Kind.TOKEN),
        ("a.b", Kind.ACCESS_KEY),
        ("", Kind.ACCESS_KEY),
        ("\udcff", Kind.ACCESS_KEY),
    ],
)
def test_the_shape_of_a_string_tells_what_it_can_be(presented: str, kind: Kind) -> None:
    assert kind_of(presented) is kind


def test_each_kind_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for kind in (Kind.ACCESS_KEY, Kind.ACCESS_KEY, Kind.API_KEY):
        refusals.note(kind, "192.0.2.1")
    assert refusals.counts == {Kind.ACCESS_KEY: 2, Kind.API_KEY: 1}
    assert caplog.messages[1] == "no valid access key, from 192.0.2.1; 2 of these since the start"
