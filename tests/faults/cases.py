"""The rows that upstreams make, as cases of tests: each in each of its forms and dialects."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from relay.model import Dialect
from tests.faults.row import Broken, BrokenOff, Fault, Passed, Refused, Row, Unreachable
from tests.faults.table import ROWS
from tests.support.sdks import Form

UPSTREAMS = [row for row in ROWS if isinstance(row, Fault | Unreachable)]
FAILING = [row for row in UPSTREAMS if isinstance(row.told, Refused | Broken)]
BREAKING_OFF = [row for row in UPSTREAMS if isinstance(row.told, BrokenOff)]
PASSING = [row for row in UPSTREAMS if isinstance(row.told, Passed)]


def cases(
    rows: Iterable[Row], *, forms: Iterable[Form] = Form, dialects: Iterable[Dialect] = Dialect
) -> pytest.MarkDecorator:
    """Of those forms and dialects that are asked for."""
    found = [
        pytest.param(row, form, dialect, id=f"{row}-{form}-{dialect}")
        for row in rows
        for form in row.forms
        for dialect in row.dialects
        if form in forms and dialect in dialects
    ]
    return pytest.mark.parametrize(("row", "form", "dialect"), found)


def first_of_each(rows: Iterable[Row]) -> list[Row]:
    """One row a number: enough where all of them take the same way."""
    return list({row.number: row for row in reversed(list(rows))}.values())
