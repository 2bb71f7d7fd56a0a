from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.editing.differences import alike, differences
from relay.config.editing.steps import Delete, InsertEntries, InsertItems, Put, Reorder, Step, applied
from tests.config.editing.asking import canonical
from tests.config.editing.documents import VALUES

LABELS = st.sampled_from("abcd")
KEYS = st.lists(st.fixed_dictionaries({"label": LABELS}, optional={"key": VALUES, "weight": st.integers(0, 2)}))
ANY = st.one_of(VALUES, KEYS, st.dictionaries(st.sampled_from("abc"), KEYS))


def a(label: str, weight: int = 1) -> dict[str, object]:
    return {"label": label, "weight": weight}


@pytest.mark.parametrize(
    ("old", "new", "steps"),
    [
        (1, 1, []),
        (1, 1.0, [Put((), 1.0)]),
        (1, True, [Put((), True)]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [Put(("b",), 3)]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [Reorder((), ("b", "a"))]),
        ({"a": 1, "b": 2}, {"c": 3, "b": 2}, [
            InsertEntries((), (("c", 3),), 2), Delete(("a",)), Reorder((), ("c", "b")),
        ]),
        ([a("x"), a("y")], [a("x"), a("y", 2)], [Put((1, "weight"), 2)]),
        ([a("x"), a("y")], [a("y"), a("x")], [Reorder((), (1, 0))]),
        ([a("x"), a("y")], [a("y"), a("z")], [InsertItems((), [a("z")], 2), Delete((0,))]),
        ([a("x"), a("y")], [a("z"), a("x", 2)], [
            InsertItems((), [a("z")], 2), Delete((1,)), Put((0, "weight"), 2), Reorder((), (1, 0)),
        ]),
        ([1, 2, 3], [1, 3], [Delete((1,))]),
        ([1, 2, 3], [1, 4, 5, 3], [InsertItems((), [5], 2), Put((1,), 4)]),
        ([{"key": "k"}, {"key": "l"}], [{"key": "l"}], [Delete((0,))]),
        ([{"key": "k"}, {"key": "l"}], [{"key": "k"}, {"key": "m"}], [Put((1, "key"), "m")]),
        ([a("x"), a("x")], [a("x"), a("x", 2)], [Put((1, "weight"), 2)]),
        ([], [1], [Put((), [1])]),
        ([1], [], [Put((), [])]),
        ({"a": 1}, [1], [Put((), [1])]),
    ],
)  # fmt: skip
def test_as_little_as_can_be_is_written(old: object, new: object, steps: list[Step]) -> None:
    assert list(differences(old, new, ())) == steps


@given(ANY, ANY)
def test_the_steps_lead_to_what_is_wanted(old: object, new: object) -> None:
    document: object = {"x": old}
    for step in differences(old, new, ("x",)):
        document = applied(document, step)
    assert canonical(document) == canonical({"x": new})
    assert alike(document, {"x": new})
