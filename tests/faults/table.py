"""All rows, in the order of their numbers."""

from __future__ import annotations

from tests.faults import before_the_head, endings, in_the_stream, no_answers, passing, refusals
from tests.faults.row import Row
from tests.support.sdks import Form

_GROUPS = (before_the_head, in_the_stream, passing, refusals, no_answers, endings)
ROWS: tuple[Row, ...] = tuple(sorted((row for group in _GROUPS for row in group.ROWS), key=lambda row: row.number))
LAST_NUMBER = 33
STREAMS_ALONE = frozenset({8, 9, 10, 23, 27, 28, 29, 30})
"""Numbers of what can't happen to a plain answer."""


def named(number: int, name: str, form: Form) -> Row:
    """The one row of that number and name that exists in that form."""
    (found,) = [row for row in ROWS if (row.number, row.name) == (number, name) and form in row.forms]
    return found
