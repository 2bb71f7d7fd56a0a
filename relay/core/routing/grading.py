"""How hard a prompt looks: the choice behind the virtual model of `complexity`. Counted, not understood.

    point    for
    1        400 characters of text or more
    1        4,000 or more
    1        20,000 or more
    1        more than ten turns
    1        a tool that may be called
    1        five of them or more
    1        an image
    1        an answer that has to fit a schema
    2        reasoning asked for by name

0 is simple, 1 and 2 are moderate, 3 and more complex.
"""

from __future__ import annotations

import enum

from relay.formats.asked import Asked

LONG_CHARACTERS = (400, 4_000, 20_000)
MANY_TURNS = 10
MANY_TOOLS = 5
COMPLEX_POINTS = 3


class Grade(enum.Enum):
    """Of one prompt."""

    SIMPLE = "simple"
    MODERATE = "moderate"
    COMPLEX = "complex"


def points(asked: Asked) -> int:
    """As in the table above."""
    return (
        sum(asked.characters >= long for long in LONG_CHARACTERS)
        + (asked.turns > MANY_TURNS)
        + (asked.tools > 0)
        + (asked.tools >= MANY_TOOLS)
        + asked.has_images
        + asked.has_schema
        + 2 * asked.wants_reasoning
    )


def grade(asked: Asked) -> Grade:
    """The grade of a prompt."""
    counted = points(asked)
    if counted >= COMPLEX_POINTS:
        return Grade.COMPLEX
    return Grade.MODERATE if counted else Grade.SIMPLE
