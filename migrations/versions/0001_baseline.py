"""The beginning: an empty store that knows its revision, so that every later release can tell what it opens.

Applied revisions are never edited: a change is a new file.
"""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Tables come with the features that fill them."""
