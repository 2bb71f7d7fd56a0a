from __future__ import annotations

from typing import Any

import pytest

from relay.core.routing.grading import Grade, grade, points
from relay.formats.asked import Asked

TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, 0),
        ({"prompt": "x" * 399}, 0),
        ({"prompt": "x" * 400}, 1),
        ({"prompt": "x" * 4_000}, 2),
        ({"input": "x" * 20_000}, 3),
        ({"messages": [{"role": "user", "content": "x"}] * 11}, 1),
        ({"messages": [], "tools": [TOOL]}, 1),
        ({"messages": [], "tools": [TOOL] * 5}, 2),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"data": "x" * 9999}}]}]}, 1),
        ({"response_format": {"type": "json_schema"}}, 1),
        ({"reasoning_effort": "high"}, 2),
        ({"reasoning": {"effort": "low"}}, 0),
        ({"thinking": {"type": "enabled", "budget_tokens": 1}}, 2),
    ],
)
def test_each_sign_of_a_hard_prompt_has_its_points(body: dict[str, Any], expected: int) -> None:
    assert points(Asked(body)) == expected


@pytest.mark.parametrize(
    ("characters", "expected"),
    [(0, Grade.SIMPLE), (400, Grade.MODERATE), (4_000, Grade.MODERATE), (20_000, Grade.COMPLEX)],
)
def test_points_make_a_grade(characters: int, expected: Grade) -> None:
    assert grade(Asked({"prompt": "x" * characters})) is expected
