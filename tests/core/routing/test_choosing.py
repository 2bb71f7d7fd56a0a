from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.routing import Circumstances, Plan, Strategy, in_order
from relay.core.routing.grading import Grade
from relay.core.routing.tree import Graded, Group, Node, targets_of
from relay.model import Target

A, B, C = (Target("p", name) for name in "abc")


def circumstances(
    *,
    random: float = 0.0,
    busy: Mapping[Target, int] | None = None,
    first_token_s: Mapping[Target, float] | None = None,
    is_due: Callable[[Target], bool] = lambda _target: True,
    grade: Grade = Grade.SIMPLE,
) -> Circumstances:
    loads, speeds = busy or {}, first_token_s or {}
    return Circumstances(lambda: random, lambda target: loads.get(target, 0), speeds.get, is_due, lambda: grade)


def planned(node: Node) -> Plan:
    return Plan(node, has_choice=True, targets=tuple(dict.fromkeys(targets_of(node))))


def names(node: Node, found: Circumstances) -> str:
    return "".join(target.model for target in in_order(planned(node), found))


@pytest.mark.parametrize(
    ("random", "order"), [(0.0, "abc"), (0.099, "abc"), (0.1, "bac"), (0.39, "bac"), (0.4, "cab"), (0.999, "cab")]
)
def test_weights_say_how_often_each_is_first(random: float, order: str) -> None:
    group = Group((A, B, C), Strategy.WEIGHTED, (1, 3, 6))
    assert names(group, circumstances(random=random)) == order


def test_a_weight_of_nothing_is_first_only_where_all_are() -> None:
    never = Group((A, B), Strategy.WEIGHTED, (0, 1))
    assert Counter(names(never, circumstances(random=number / 100)) for number in range(100)) == {"ba": 100}
    assert names(Group((A, B), Strategy.WEIGHTED, (0, 0)), circumstances(random=0.9)) == "ab"


def test_a_weight_of_nothing_is_tried_only_where_all_others_have_failed() -> None:
    drained = Group((A, B, C), Strategy.WEIGHTED, (0, 1, 1))
    assert [names(drained, circumstances(random=random)) for random in (0.2, 0.7)] == ["bca", "cba"]


@pytest.mark.parametrize(
    ("busy", "order"), [({}, "abc"), ({A: 1}, "bac"), ({A: 2, B: 1, C: 1}, "bac"), ({A: 2, B: 2, C: 1}, "cab")]
)
def test_the_least_busy_is_first(busy: dict[Target, int], order: str) -> None:
    assert names(Group((A, B, C), Strategy.LEAST_BUSY), circumstances(busy=busy)) == order


@pytest.mark.parametrize(
    ("speeds", "order"),
    [
        ({A: 1.0, B: 0.5, C: 2.0}, "bac"),
        ({A: 1.0, B: 0.5}, "cab"),
        ({}, "abc"),
        ({A: 0.5, B: 0.5, C: 0.5}, "abc"),
    ],
)
def test_the_fastest_is_first_and_what_was_not_measured_before_it(speeds: dict[Target, float], order: str) -> None:
    assert names(Group((A, B, C), Strategy.FASTEST), circumstances(first_token_s=speeds)) == order


def test_what_was_not_measured_is_not_tried_by_all_calls_at_once() -> None:
    unmeasured = Group((A, B, C), Strategy.FASTEST)
    found = circumstances(first_token_s={A: 2.0, B: 1.0}, is_due=lambda _target: False)
    assert names(unmeasured, found) == "bac"


@pytest.mark.parametrize(("grade", "order"), [(Grade.SIMPLE, "abc"), (Grade.MODERATE, "bca"), (Grade.COMPLEX, "cba")])
def test_a_grade_has_its_model_then_stronger_ones_then_weaker(grade: Grade, order: str) -> None:
    assert names(Graded(A, B, C), circumstances(grade=grade)) == order


def test_a_grade_that_names_no_model_goes_to_the_next_stronger() -> None:
    assert names(Graded(A, None, C), circumstances(grade=Grade.MODERATE)) == "ca"
    assert names(Graded(A, None, None), circumstances(grade=Grade.COMPLEX)) == "a"


def test_groups_may_stand_in_groups() -> None:
    inner = Group((A, B), Strategy.LEAST_BUSY)
    assert names(Group((inner, C), Strategy.ORDER), circumstances(busy={A: 1})) == "bac"
    assert names(Group((inner, C), Strategy.LEAST_BUSY), circumstances(busy={A: 1})) == "cba"


def nodes() -> st.SearchStrategy[Node]:
    leaves = st.sampled_from([A, B, C])

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        groups = st.builds(
            lambda members, strategy: Group(tuple(members), strategy, (1,) * len(members)),
            st.lists(inner, min_size=1, max_size=4),
            st.sampled_from(Strategy),
        )
        return groups | st.builds(Graded, inner, st.none() | inner, st.none() | inner)

    return st.recursive(leaves, larger, max_leaves=12)


@given(
    node=nodes(),
    random=st.floats(0, 1, exclude_max=True),
    busy=st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 3)),
    speeds=st.dictionaries(st.sampled_from([A, B, C]), st.floats(0, 3)),
    grade=st.sampled_from(Grade),
)
def test_whatever_holds_each_target_comes_once(
    node: Node, random: float, busy: dict[Target, int], speeds: dict[Target, float], grade: Grade
) -> None:
    order = in_order(planned(node), circumstances(random=random, busy=busy, first_token_s=speeds, grade=grade))
    assert sorted(order, key=str) == sorted(set(targets_of(node)), key=str)
