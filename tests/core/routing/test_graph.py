from __future__ import annotations

from relay.core.routing.graph import leads_back, nesting


def test_a_loop_is_found_from_within_and_not_from_outside() -> None:
    targets = {"a": ["b"], "b": ["c"], "c": ["b"]}
    assert [leads_back(targets, name) for name in "abc"] == [False, True, True]


def test_only_names_for_several_nest() -> None:
    targets = {"a": ["b", "c"], "b": ["d"], "d": ["x", "y", "z"], "c": ["x"], "e": ["a", "d"], "f": ["x", "x"]}
    assert nesting(targets) == {"a": 2, "b": 1, "c": 0, "d": 1, "e": 3, "f": 0}


def test_a_deep_ladder_is_measured_without_climbing_it_again_and_again() -> None:
    targets = {f"a{number}": [f"a{number + 1}", f"a{number + 2}"] for number in range(5000)}
    assert nesting(targets)["a0"] == 5000
