from __future__ import annotations

from relay.config.nearest import suggestion


def test_the_nearest_names_come_first() -> None:
    assert (
        suggestion("max_bdy", ["max_buffered", "max_body", "port"]) == " (did you mean 'max_body' or 'max_buffered'?)"
    )


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    assert suggestion("zzz", ["max_body", "port"]) == ""
