"""docs/faults.md is what the rows say."""

from __future__ import annotations

from pathlib import Path

from tests.faults.rendering import page
from tests.faults.table import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_the_page_is_what_the_rows_say() -> None:
    """If this fails: python -m tests.faults.rendering > docs/faults.md"""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_each_row_is_a_line_of_the_page() -> None:
    lines = page().splitlines()
    assert all(any(line.startswith(f"| {row.number} | {row.name} |") for line in lines) for row in ROWS)
