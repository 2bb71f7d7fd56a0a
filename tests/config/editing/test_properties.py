"""Whatever is changed in whatever text: the change is made, and nothing else is different."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relay.config.document import plain, read
from relay.config.edit import Change, Delete, Set, edited
from relay.config.editing.layout import layout_of
from relay.config.findings import KeyPath
from relay.config.syntax import events_of
from relay.errors import ConfigError
from tests.config.editing.asking import at, canonical, changes, model, paths
from tests.config.editing.documents import Comment, Written, texts


@given(st.data(), texts())
def test_a_change_is_made_and_comments_elsewhere_stay(data: st.DataObject, written: Written) -> None:
    change = data.draw(changes(written.values))
    text = made(written.text, change)
    if text is None:
        return
    wanted = model(written.values, change)
    gone = [comment for comment in written.comments if comment.text not in text]
    assert canonical(plain(read(text).root)) == canonical(wanted)
    assert [comment for comment in gone if must_stay(comment, change, written.values, wanted)] == []


def made(text: str, *some: Change) -> str | None:
    """The changes in the text; None where it would move members of a list in brackets between comments."""
    try:
        return edited(text, some)
    except ConfigError as error:
        if "has comments in its braces or brackets" not in str(error):
            raise
        return None


def must_stay(comment: Comment, change: Change, old: Any, new: Any) -> bool:
    """Whether a comment is none of what a change replaces or deletes."""
    is_within = comment.owner[: len(change.path)] == change.path
    if isinstance(change, Delete) and change.path:
        return not is_within
    if isinstance(change, Set) and change.path in set(paths(old)):
        return not is_within or is_alike(old, new, comment.owner)
    return True


def is_alike(old: Any, new: Any, path: KeyPath) -> bool:
    """Whether an entry of mappings is the same before and after."""
    if any(isinstance(part, int) for part in path) or path not in set(paths(new)):
        return False
    return canonical(at(old, path)) == canonical(at(new, path))


@given(st.data(), texts())
def test_other_entries_stay_byte_for_byte(data: st.DataObject, written: Written) -> None:
    change = data.draw(changes(written.values).filter(lambda change: change.path != ()))
    text = made(written.text, change)
    if text is None:
        return
    root = layout_of(written.text, events_of(written.text))
    others = [written.text[member.start : member.place.end] for member in root.members if member.name != change.path[0]]
    assert [other for other in others if other not in text] == []


@given(st.data(), texts())
def test_changes_are_made_one_after_the_other(data: st.DataObject, written: Written) -> None:
    values, some = written.values, []
    for _ in range(data.draw(st.integers(2, 4))):
        some.append(data.draw(changes(values)))
        values = model(values, some[-1])
    text = made(written.text, *some)
    assert text is None or canonical(plain(read(text).root)) == canonical(values)


@given(texts())
def test_the_same_values_leave_the_text_as_it_is(written: Written) -> None:
    assert edited(written.text, [Set(path, at(written.values, path)) for path in paths(written.values)]) == written.text
