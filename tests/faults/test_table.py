"""The table has all rows, in all forms and dialects."""

from __future__ import annotations

import pytest

from relay.model import Dialect
from tests.faults.table import LAST_NUMBER, ROWS, STREAMS_ALONE
from tests.support.sdks import Form

NUMBERS = range(1, LAST_NUMBER + 1)
OF_CHAT_ALONE = 29


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_has_rows_in_each_form_and_dialect(number: int) -> None:
    found = {(form, dialect) for row in ROWS if row.number == number for form in row.forms for dialect in row.dialects}
    forms = {Form.STREAMED} if number in STREAMS_ALONE else set(Form)
    dialects = {Dialect.CHAT} if number == OF_CHAT_ALONE else set(Dialect)
    assert found == {(form, dialect) for form in forms for dialect in dialects}


def test_no_number_is_beyond_the_table() -> None:
    assert {row.number for row in ROWS} == set(NUMBERS)


def test_no_two_rows_are_the_same_case() -> None:
    found = [(row.number, row.name, form, dialect) for row in ROWS for form in row.forms for dialect in row.dialects]
    assert len(found) == len(set(found))
