"""Pieces of a text, and other ones in their place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Splice(NamedTuple):
    """A piece of the text, and what stands there afterwards."""

    start: int
    end: int
    text: str


def spliced(text: str, pieces: Iterable[Splice]) -> str:
    """The text with other pieces; none reaches into another."""
    for piece in sorted(pieces, reverse=True):
        text = text[: piece.start] + piece.text + text[piece.end :]
    return text
